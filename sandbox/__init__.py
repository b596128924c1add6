"""Simulate X on this machine: users, posts, media, the API, and a page to post as any user."""
