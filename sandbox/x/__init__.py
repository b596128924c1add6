"""X's own API, as its clients see it. Knows the world; the world does not know it."""
