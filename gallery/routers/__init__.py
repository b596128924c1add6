"""Handle HTTP requests. One module per area of the site."""
