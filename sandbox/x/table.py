"""Every endpoint of the API in one list; the first that fits a path is taken. Knows names only."""

from sandbox.x import reads, search, uploads, writes

# Search stands first: /2/tweets/search/recent must not be read as the post with the id "search".
ENDPOINTS = [*search.ENDPOINTS, *reads.ENDPOINTS, *writes.ENDPOINTS, *uploads.ENDPOINTS]
