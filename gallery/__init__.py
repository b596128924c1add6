"""Shows: the site and its JSON API, where every picture hangs with its prompt and author."""
