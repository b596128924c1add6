"""Pretends to be X: its API, its people, and a page to post as anybody; imports nothing of ours."""
