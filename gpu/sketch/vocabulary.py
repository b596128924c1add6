"""The words that the sketch engine knows: nouns, moods, details, colors and numbers."""

from __future__ import annotations

from gpu.sketch.color import Color, rgb

_NOUNS = {
    "sea": "sea ocean beach coast shore bay wave surf seaside harbor harbour island lagoon tide water 🌊 🏖",
    "lake": "lake pond reflection",
    "river": "river stream creek waterfall canal",
    "mountain": "mountain alp alps peak summit cliff everest fuji himalaya himalayas rockies ridge volcano ⛰ 🏔 🗻 🌋",
    "hill": "hill valley countryside landscape field farm pasture vineyard nature prairie 🏞",
    "forest": "forest wood woods woodland jungle rainforest grove taiga pine forêt wald bosque 🌲",
    "tree": "tree oak birch maple willow bonsai palm sakura blossom 🌳 🎄 🌴",
    "city": "city skyline town skyscraper metropolis downtown building street york tokyo manhattan london paris "
    "chicago cityscape cyberpunk apartment office 🏙 🌆 🌃",
    "tower": "tower minaret obelisk",
    "castle": "castle fortress palace kingdom cathedral church temple 🏰",
    "house": "house cabin cottage hut home barn village chalet farmhouse 🏠 🏡",
    "lighthouse": "lighthouse beacon",
    "boat": "boat ship sailboat yacht sail vessel canoe ⛵ 🚢",
    "sun": "sun sunshine soleil sonne ☀ 🌞",
    "moon": "moon moonlight lunar crescent lune mond luna 🌙 🌕 🌝",
    "star": "star starry constellation ⭐ 🌟 ✨ 🌠",
    "galaxy": "galaxy space cosmos universe nebula milky cosmic spacecraft "
    "planet saturn jupiter mars orbit rocket spaceship shuttle 🌌 🪐 🚀",
    "flower": "flower tulip daisy lily orchid peony bouquet vase lotus dandelion 🌷 🌼 🌸 🌺 💐",
    "sunflower": "sunflower 🌻",
    "poppy": "poppy",
    "rose": "rose 🌹",
    "garden": "garden meadow lawn lavender grass park",
    "cat": "cat kitten kitty feline tabby tomcat 🐱 🐈 😺",
    "fox": "fox vixen 🦊",
    "deer": "deer stag doe fawn elk moose reindeer 🦌",
    "dog": "dog puppy hound corgi terrier poodle husky dachshund 🐶 🐕",
    "bird": "bird seagull gull crow raven swallow dove pigeon eagle crane goose robin sparrow parrot owl 🐦 🦅",
    "fish": "fish goldfish koi carp salmon shark reef aquarium 🐟 🐠",
    "whale": "whale dolphin orca 🐳 🐋",
    "balloon": "balloon 🎈",
    "heart": "heart love valentine ❤ 💙 💚 💛 💜 💖",
    "cloud": "cloud cloudy ☁ ⛅",
    "rain": "rain rainy drizzle umbrella ☔ 🌧",
    "snow": "snow snowy snowfall blizzard snowflake snowman ❄ ☃",
    "rainbow": "rainbow 🌈",
    "road": "road path highway trail lane",
    "desert": "desert dune sahara sand cactus camel pyramid 🏜 🐪 🌵",
    "fire": "fire campfire bonfire flame 🔥",
    "aurora": "aurora borealis",
    "cup": "cup mug coffee tea teapot espresso latte ☕",
}

_MOODS = {
    "night": "night midnight nocturnal dark moonlight moonlit evening starry",
    "sunset": "sunset dusk twilight",
    "golden": "golden vintage retro nostalgic sepia warm",
    "dawn": "dawn sunrise morning aube",
    "storm": "storm stormy thunder thunderstorm lightning tempest gloomy dramatic",
    "winter": "winter wintry snow snowy ice icy frozen frosty arctic cold christmas",
    "autumn": "autumn fall autumnal october halloween harvest",
    "spring": "spring springtime april blossom sakura",
    "summer": "summer summery tropical sunny",
    "neon": "neon cyberpunk synthwave vaporwave futuristic electric disco",
    "pastel": "pastel soft dreamy gentle cute kawaii watercolor watercolour",
    "fog": "fog foggy mist misty haze hazy brume nebel niebla",
    "space": "space cosmos universe galaxy nebula cosmic",
}

# Words that change how a noun looks.
_DETAILS = {
    "crescent": "crescent sickle 🌙",
    "full": "full 🌕 🌝",
    "asleep": "asleep sleeping sleepy napping dozing",
    "huge": "huge giant enormous gigantic",
    "blossom": "blossom sakura 🌸",
}

_COLORS = {
    "C8322B": "red scarlet crimson ruby",
    "7C1F2C": "burgundy maroon wine",
    "E8743B": "orange tangerine",
    "F08A6B": "coral salmon peach",
    "E4B23A": "yellow mustard",
    "D4A437": "gold golden amber honey ochre",
    "D9822B": "ginger",
    "B0683F": "copper bronze rust terracotta",
    "7A4E32": "brown chocolate walnut chestnut",
    "E9DFC7": "ivory cream beige linen",
    "F4F1EA": "white pearl",
    "9AA0A3": "grey gray silver ash slate",
    "23252B": "black ebony onyx obsidian",
    "3C8D4F": "green",
    "1F6B54": "emerald",
    "7C8B45": "olive moss",
    "93B59A": "sage mint",
    "A9C93C": "lime chartreuse",
    "2B8C8C": "teal",
    "35B6B4": "turquoise aqua cyan",
    "2F62B5": "blue cobalt sapphire",
    "1D2F63": "navy indigo",
    "7FB6DE": "azure skyblue",
    "7A4BA8": "purple violet amethyst plum",
    "B79BD6": "lavender lilac mauve",
    "D6478F": "magenta fuchsia",
    "EE8FB0": "pink blush",
}

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "1": 1, "single": 1, "lone": 1, "lonely": 1, "two": 2, "2": 2, "pair": 2,
    "couple": 2, "three": 3, "3": 3, "four": 4, "4": 4, "five": 5, "5": 5, "several": 4, "many": 6,
}  # fmt: skip

# Singular words that mean several things.
GROUPS = ("village", "bouquet")


def _by_word(groups: dict[str, str]) -> dict[str, str]:
    """Return the name of the group by word."""
    return {word: name for name, words in groups.items() for word in words.split()}


NOUNS = _by_word(_NOUNS)
MOODS = _by_word(_MOODS)
DETAILS = _by_word(_DETAILS)
COLORS: dict[str, Color] = {word: rgb(code) for word, code in _by_word(_COLORS).items()}
