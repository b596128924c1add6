"""Define the style presets. `--style ink` in a prompt appends the words of `ink` to what the model reads."""

STYLES: dict[str, str] = {
    "photo": "photograph, natural light, 35 mm, sharp focus",
    "cinema": "cinematic film still, dramatic light, shallow depth of field",
    "oil": "oil painting, visible brush strokes, canvas texture",
    "watercolor": "watercolor, soft washes, paper grain",
    "ink": "ink drawing, fine lines, cross-hatching",
    "pencil": "pencil sketch, graphite shading on paper",
    "woodcut": "woodcut print, bold carved lines, two colors",
    "poster": "vintage travel poster, flat shapes, limited palette",
    "comic": "comic panel, clean outlines, flat colors, halftone dots",
    "anime": "anime illustration, cel shading, vivid sky",
    "pixel": "pixel art, 16-bit palette, crisp pixels",
    "clay": "clay figure, stop-motion set, soft studio light",
    "lowpoly": "low poly 3D render, faceted shapes, soft shadows",
    "isometric": "isometric illustration, tiny detailed scene",
}

# In links to the composer, and in what people type.
FORMER_NAMES = {"watercolour": "watercolor"}


def apply_style(prompt: str, style: str | None) -> str:
    """Return the prompt with the words of a style. An unknown style adds nothing."""
    words = STYLES.get(style or "")
    return f"{prompt}, {words}" if words else prompt
