"""The crowd and the opening thread a new world starts with. Knows what stands there first, not what follows."""

import random

from sandbox.model import Draft
from sandbox.world import World

CROWD = (
    ("mira_paints", "Mira Okafor", "watercolours, tea, trains"),
    ("jonas_weber", "Jonas Weber", "Fotograf aus Freiburg"),
    ("sakura_iro", "さくら 🌸", "絵とねこ"),
    ("leylanur", "Leyla Nur Yıldız", "ceramics in Izmir"),
    ("oldtomcat", "Tom 🐈 Kattegat", "I have opinions about cats"),
    ("anya_z", "Аня Зимина", "рисую по ночам"),
    ("pixelpriya", "Priya Raghavan", "pixels, maths, monsoon"),
    ("marcelo_rs", "Marcelo Araújo", "surf e aquarela"),
    ("noor_h", "نور الهدى", "خط وزخرفة"),
    ("glacierdan", "Dan Frost", "glaciologist, will draw ice"),
    ("claireobscur", "Claire Obscur", "lumière, ombre, café"),
    ("minjun_k", "김민준", "city walks at night"),
)
BOT_NAME = "Threadpaint"
BOT_BIO = "A bot that paints what you ask for. Run by a person on this machine. Say stop and I leave you alone."
THREAD = (
    "Hello! I paint. Reply to this post with a prompt, or mention me anywhere with one, and I answer with a picture."
    "\n\nEverything I paint hangs in the gallery, with your name under it.",
    "What works well: a place, a light and a mood. “A lighthouse in a storm, oil painting.” “A quiet forest at dawn.”",
    "Seen something you like in this thread? "
    "Take the words, change them, and ask again. Painting together is the point.",
)
_REGISTERED_MS = 1_500_000_000_000  # July 2017: before every post, the same in every world of one seed


def open_world(world: World) -> None:
    """Does nothing in a world that has begun already; one killed halfway in is finished, and a new bot introduced."""
    opened = f"opened for {world.settings.bot.lower()}"
    if world.facts.get(opened):
        return
    _invite(world)
    _post_thread(world)
    world.save(**{opened: True})


def _invite(world: World) -> None:
    chance = random.Random(world.settings.seed)  # noqa: S311 a toy crowd
    born = _REGISTERED_MS
    for username, name, bio in ((world.settings.bot, BOT_NAME, BOT_BIO), *CROWD):
        born += chance.randrange(86_400_000, 20 * 86_400_000)
        if world.person(username) is None:
            world.add_person(username, name, description=bio, created_ms=born)
            _label(world, username)


def _label(world: World, username: str) -> None:
    """A bot in order: it has the label X asks for, and pays for the larger cap of a verified account."""
    if username == world.settings.bot:
        world.bot.verified = world.bot.automated = True
        world.save(world.bot)


def _post_thread(world: World) -> None:
    bot = world.bot
    there = list(world.shelf.by_author[bot.id])
    for words in THREAD[len(there) :]:
        post = world.post(Draft(bot, words, in_reply_to_id=there[-1] if there else None))
        there.append(post.id)
    bot.pinned_post_id = there[0]
    world.save(bot)
