"""Paints with a diffusers pipeline: presets, loading, tuning, calls."""
