"""Paints: the Stable Diffusion service, on Modal or on any machine; imports nothing of ours."""
