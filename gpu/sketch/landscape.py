"""Compose a landscape: far things first, near things last."""

from __future__ import annotations

from PIL import Image

from gpu.sketch import animals, buildings, land, objects, plants, sky
from gpu.sketch.color import Color, mix
from gpu.sketch.foreground import Scene, subjects

_WATERS = ("sea", "lake", "whale", "boat", "lighthouse")
# Subjects that need ground under them.
_ON_LAND = (
    *("house", "castle", "tree", "garden", "cat", "dog", "fox", "deer"),
    *("flower", "rose", "sunflower", "poppy"),
)
_SUNNY = ("sunset", "dawn", "golden", "summer", "desert")


def landscape(scene: Scene) -> None:
    """Draw sky, land and water from the horizon to the viewer, what stands on it, and the weather."""
    sky.sky(scene.canvas, scene.palette, scene.horizon)
    _heavens(scene)
    _far_land(scene)
    _water(scene)
    _near_land(scene)
    _buildings(scene)
    subjects(scene)
    _weather(scene)


def _heavens(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    if scene.has("galaxy"):
        sky.galaxy(canvas, palette)
    if palette.dark or scene.has("star"):
        sky.stars(canvas, palette, 110, scene.horizon)
    if scene.has("aurora"):
        sky.aurora(canvas, palette, scene.horizon)
    _lights(scene)
    if scene.has("rainbow"):
        sky.rainbow(canvas, canvas.width * canvas.between(0.35, 0.65), scene.horizon * 1.04, canvas.unit * 0.46)
    if scene.has("cloud", "rain", "snow", "rainbow"):
        tone = (
            mix(palette.sky[1], palette.ink, 0.35)
            if scene.has("rain")
            else scene.tint("cloud") or mix(palette.paper, palette.sky[0], 0.35 if palette.dark else 0)
        )
        sky.clouds(canvas, tone, canvas.pick(4, 6), scene.horizon * 0.15, scene.horizon * 0.62)
    elif not palette.dark and canvas.chance(0.75):
        sky.streaks(
            canvas,
            mix(palette.sky[2], (255, 252, 244), 0.4),
            canvas.pick(3, 6),
            scene.horizon * 0.15,
            scene.horizon * 0.7,
        )
    if not palette.dark and not scene.has("bird", "rain", "snow") and canvas.chance(0.35):
        animals.flock(canvas, mix(palette.ink, palette.sky[1], 0.3), 5, scene.horizon * 0.7)


def _lights(scene: Scene) -> None:
    """Draw a moon if it is dark or named, a sun if it is named or fits. It is the light on the water."""
    canvas, palette, unit = scene.canvas, scene.palette, scene.canvas.unit
    x = canvas.width * canvas.between(0.2, 0.8)
    if scene.has("moon") or (palette.dark and not scene.has("aurora", "sun", "galaxy", "city") and canvas.chance(0.7)):
        size = unit * (canvas.between(0.09, 0.14) if scene.has("moon") else 0.06)
        tint = scene.tint("moon") or palette.light
        sky.moon(canvas, x, scene.horizon * canvas.between(0.25, 0.5), size, tint, _is_crescent(scene))
        scene.light = x
    elif _sun_shines(scene):
        low = any(m in ("sunset", "dawn") for m in scene.prompt.moods) or canvas.chance(0.5)
        height = canvas.between(0.82, 0.95) if low else canvas.between(0.3, 0.6)
        size = unit * (canvas.between(0.12, 0.17) if low else canvas.between(0.08, 0.12))
        size *= 1.7 if "huge" in scene.prompt.details else 1
        sky.sun(canvas, x, scene.horizon * height, size, scene.tint("sun") or palette.light)
        scene.light = x


def _is_crescent(scene: Scene) -> bool:
    if "crescent" in scene.prompt.details:
        return True
    return "full" not in scene.prompt.details and scene.canvas.chance(0.4)


def _sun_shines(scene: Scene) -> bool:
    if scene.has("rainbow"):  # the sun is behind the viewer then
        return False
    named = scene.has("sun") or any(mood in _SUNNY for mood in scene.prompt.moods)
    return named or (_clear_day(scene) and scene.canvas.chance(0.7))


def _clear_day(scene: Scene) -> bool:
    return not (scene.palette.dark or scene.has("rain", "snow", "cloud") or "storm" in scene.prompt.moods)


def _far_land(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    foot = scene.horizon + (0 if scene.has(*_WATERS) else canvas.height * 0.1)
    if scene.has("mountain"):
        snowy = scene.has("snow") or "winter" in scene.prompt.moods or canvas.chance(0.6)
        land.mountains(canvas, palette, foot, scene.tint("mountain"), snowy)
    elif scene.has("lake") or (scene.has("sea", "boat") and canvas.chance(0.45)):
        line = land.rolling(canvas, scene.horizon + 1, canvas.unit * 0.09, 2.4)
        land.ground(canvas, line, palette.land(0.25), palette.land(0.4))
    if scene.has("city"):
        near_water = scene.has("sea", "lake", "river", "boat")
        buildings.city(canvas, palette, scene.horizon if near_water else canvas.height * 0.93, scene.tint("city"))


def _water(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    waterfront = scene.has("city") and scene.has("sea", "river")
    if not (scene.has(*_WATERS) or waterfront):
        return
    tint = scene.tint("sea") or scene.tint("lake")
    mirror = scene.has("lake") or waterfront
    above = canvas.image.copy() if mirror else None
    land.sea(canvas, palette, scene.horizon, scene.light, tint)
    if above is not None:
        _reflect(scene, above)
    elif "storm" in scene.prompt.moods or (scene.has("sea") and not scene.has("boat", "city") and canvas.chance(0.55)):
        land.waves(canvas, palette, scene.horizon, tint)
    elif not scene.has("boat", "whale", "lighthouse") and canvas.chance(0.6):
        land.shore(canvas, palette)


def _reflect(scene: Scene, above: Image.Image) -> None:
    """Draw the reflection of what stands above the water."""
    canvas, top = scene.canvas, round(scene.horizon)
    depth = canvas.height - top
    part = above.crop((0, max(0, top - round(depth * 1.2)), canvas.width, top)).transpose(
        Image.Transpose.FLIP_TOP_BOTTOM
    )
    mirror = part.resize((canvas.width, depth), Image.Resampling.BILINEAR)
    fade = Image.linear_gradient("L").resize((canvas.width, depth)).point(lambda value: 165 - value * 0.5)
    canvas.image.paste(mirror, (0, top), fade)
    land.glints(canvas, top, scene.palette)


def _near_land(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    top = scene.horizon
    if scene.has("desert"):
        land.dunes(canvas, palette, top)
        objects.cacti(canvas, palette, canvas.height * 0.8)
    elif scene.has("forest"):
        shift = 0.32 if scene.has(*_WATERS) else 0.02
        plants.forest(canvas, palette, top + canvas.height * shift, scene.tint("forest"))
    elif not scene.has(*_WATERS, "city"):
        land.hills(
            canvas,
            palette,
            top + canvas.height * (0.06 if scene.has("mountain") else 0),
            4,
            scene.tint("hill"),
        )
    elif scene.has(
        "house", "castle", "tree", "garden", "cat", "dog", "fox", "deer", "flower", "rose", "sunflower", "poppy"
    ) and not scene.has("city"):
        land.hills(canvas, palette, top + canvas.height * 0.2, 2)
    if scene.has("river") and not scene.has("sea", "lake", "city"):
        land.river(canvas, palette, top + canvas.height * 0.1)
    if scene.has("road"):
        land.road(canvas, palette, top + canvas.height * 0.1)
    if scene.has("garden"):
        plants.meadow(canvas, palette, top + canvas.height * 0.12, scene.tint("garden"))
    if scene.has("poppy", "sunflower") and scene.has("hill"):
        petal = scene.tint("poppy") or (plants.POPPY if scene.has("poppy") else plants.SUNFLOWER)
        plants.meadow(canvas, palette, top + canvas.height * 0.12, petal)


def _foliage(scene: Scene) -> Color:
    """Return the color of leaves in the season."""
    palette, moods = scene.palette, scene.prompt.moods
    if "blossom" in scene.prompt.details:
        return mix((244, 170, 192), palette.sky[1], 0.1)
    if "spring" in moods or "autumn" in moods:
        return palette.accents[scene.canvas.pick(0, 1)]
    return mix(mix((92, 146, 86), palette.near, 0.3), palette.ink, 0.45 if palette.dark else 0)


def _buildings(scene: Scene) -> None:
    canvas, palette, foot = scene.canvas, scene.palette, scene.canvas.height * 0.84
    if scene.has("tree"):
        leaf = scene.tint("tree") or _foliage(scene)
        plants.trees(canvas, palette, foot, min(4, scene.count("tree")), leaf)
    if scene.has("castle", "tower"):
        buildings.castle(canvas, palette, foot, scene.tint("castle"))
    if scene.has("lighthouse"):
        x = canvas.width * (0.72 if canvas.chance(0.5) else 0.28)
        buildings.lighthouse(canvas, palette, x, canvas.height * 0.8, scene.tint("lighthouse"))
    if scene.has("house"):
        plants.copse(canvas, palette, foot)
        buildings.houses(canvas, palette, foot, scene.count("house"), scene.tint("house"))
    if scene.has("boat"):
        objects.boats(canvas, palette, scene.horizon, scene.count("boat"), scene.tint("boat"))
    if scene.has("balloon"):
        objects.balloons(canvas, palette, scene.count("balloon"), scene.tint("balloon"), scene.horizon * 1.1)


def _weather(scene: Scene) -> None:
    canvas, palette = scene.canvas, scene.palette
    if scene.has("rain"):
        sky.rain(canvas, mix(palette.sky[2], (255, 255, 255), 0.4))
    if scene.has("snow") or "winter" in scene.prompt.moods:
        sky.snow(canvas)
    if "fog" in scene.prompt.moods:
        for _ in range(3):
            middle = canvas.between(scene.horizon * 0.9, canvas.height * 0.9)
            canvas.mist(middle, canvas.height * canvas.between(0.12, 0.22), palette.sky[2], 0.5)
