"""Make the small examples of all styles that the composer and the help page show: `python docs/style_examples.py`.

The same prompt and seed in each style, drawn by the sketch engine, so that they need no model and are always the same.
"""

import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from core.styles import STYLES
from gpu.sketch.picture import sketch
from gpu.sketch.styles import apply_style

STATIC = Path(__file__).parent.parent / "gallery" / "static"
PROMPT, SEED = "a lighthouse on a rock by the sea at sunset, a small boat", 0
DRAWN, SHOWN = (480, 320), (240, 160)


def main() -> None:
    # Styles are part of the text that decides what is drawn: render one drawing, so that only the style differs.
    drawing = sketch(PROMPT, SEED, *DRAWN)
    for name, words in {"none": "", **STYLES}.items():
        example = apply_style(words, drawing.copy()).resize(SHOWN, Image.Resampling.LANCZOS)
        example.save(STATIC / f"style-{name}.webp", quality=55, method=6)


if __name__ == "__main__":
    main()
