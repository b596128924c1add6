"""Serve what every page needs: context, templates, forms, sessions, limits and errors."""
