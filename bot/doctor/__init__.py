"""`threadpaint doctor`: check an instance before going live. One line per check, with a hint how to fix it."""
