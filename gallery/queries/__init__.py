"""Read from the database. Return views, never responses."""
