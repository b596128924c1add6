"""Every endpoint of the API in one list; the first that fits a path is taken. Knows names only."""

from sandbox.x import chunks, circles, metadata, reads, search, uploads, usage, writes

# Search stands first: /2/tweets/search/recent must not be read as the post with the id "search".
_PARTS = (search, reads, writes, circles, uploads, chunks, metadata, usage)
ENDPOINTS = [endpoint for part in _PARTS for endpoint in part.ENDPOINTS]
