"""Serve the page: threads to read, a form to post as anybody, and the sign-in that lets an app act for a user."""
