"""Batching: queue, engine thread, safety check, device time."""
