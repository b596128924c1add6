"""The sketch engine: posters and cut-paper pictures, drawn with numpy and Pillow only. See `picture.sketch`."""
