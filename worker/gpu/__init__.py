"""Call the GPU service over HTTP: requests, results, and what its failures mean."""
