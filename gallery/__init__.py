"""Serve the site and its JSON API: every picture with its prompt and author."""
