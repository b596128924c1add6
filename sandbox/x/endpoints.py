"""List all endpoints of the API. The first one that matches a path handles it."""

from sandbox.x import chunked_upload, follows, media_metadata, media_upload, reads, search, usage, writes

# Search comes first, or an endpoint with :id would match its path.
_PARTS = (search, reads, writes, follows, media_upload, chunked_upload, media_metadata, usage)
ENDPOINTS = [endpoint for part in _PARTS for endpoint in part.ENDPOINTS]
