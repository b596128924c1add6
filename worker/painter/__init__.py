"""The painter as a worker sees it: what is ordered, how it is called over HTTP, and what its failures mean."""
