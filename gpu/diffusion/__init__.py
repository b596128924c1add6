"""Stable Diffusion and related models by diffusers: presets, loading, tuning, generation."""
