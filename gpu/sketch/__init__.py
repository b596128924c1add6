"""Sketches: the built-in painter of posters and cut-paper pictures, with numpy and Pillow only."""
