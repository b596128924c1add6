"""`python -m bot doctor`: looks at settings, account and house before going live; one line each, and what to do."""
