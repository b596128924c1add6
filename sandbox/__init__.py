"""Pretends to be X: people, posts, pictures, its API, and a page to post as anybody. Knows nothing of the rest."""
