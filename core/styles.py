"""Style presets: a name in a prompt (`--style ink`) stands for words added to what the painter reads."""

STYLES: dict[str, str] = {
    "photo": "photograph, natural light, 35 mm, sharp focus",
    "cinema": "cinematic film still, dramatic light, shallow depth of field",
    "oil": "oil painting, visible brush strokes, canvas texture",
    "watercolour": "watercolour, soft washes, paper grain",
    "ink": "ink drawing, fine lines, cross-hatching",
    "pencil": "pencil sketch, graphite shading on paper",
    "woodcut": "woodcut print, bold carved lines, two colours",
    "poster": "vintage travel poster, flat shapes, limited palette",
    "comic": "comic panel, clean outlines, flat colours, halftone dots",
    "anime": "anime illustration, cel shading, vivid sky",
    "pixel": "pixel art, 16-bit palette, crisp pixels",
    "clay": "clay figure, stop-motion set, soft studio light",
    "lowpoly": "low poly 3D render, faceted shapes, soft shadows",
    "isometric": "isometric illustration, tiny detailed scene",
}


def styled(prompt: str, style: str | None) -> str:
    """The words the painter reads. An unknown style adds nothing."""
    words = STYLES.get(style or "")
    return f"{prompt}, {words}" if words else prompt
