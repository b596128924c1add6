"""Create the users and the bot's opening thread in a new world."""

import random

from sandbox.model import Draft
from sandbox.world import World

USERS = (
    ("mira_paints", "Mira Okafor", "watercolors, tea, trains"),
    ("jonas_weber", "Jonas Weber", "Fotograf aus Freiburg"),
    ("sakura_iro", "さくら 🌸", "絵とねこ"),
    ("leylanur", "Leyla Nur Yıldız", "ceramics in Izmir"),
    ("oldtomcat", "Tom 🐈 Kattegat", "I have opinions about cats"),
    ("anya_z", "Аня Зимина", "рисую по ночам"),
    ("pixelpriya", "Priya Raghavan", "pixels, math, monsoon"),
    ("marcelo_rs", "Marcelo Araújo", "surf e aquarela"),
    ("noor_h", "نور الهدى", "خط وزخرفة"),
    ("glacierdan", "Dan Frost", "glaciologist, will draw ice"),
    ("claireobscur", "Claire Obscur", "lumière, ombre, café"),
    ("minjun_k", "김민준", "city walks at night"),
)
BOT_NAME = "Threadpaint"
BOT_BIO = "A bot that paints what you ask for. Run by a person on this machine. Say stop and I'll stop."
THREAD = (
    "Hello! I paint. Reply to this post with a prompt, or mention me anywhere with one, and I answer with a picture."
    "\n\nEverything I paint is in the gallery, with your name under it.",
    "What works well: a place, a light and a mood. “A lighthouse in a storm, oil painting.” “A quiet forest at dawn.”",
    "Seen something you like in this thread? "
    "Take the words, change them, and ask again. Painting together is the point.",
)
_REGISTERED_MS = 1_500_000_000_000  # July 2017: before every post


def seed_world(world: World) -> None:
    """Create the missing seed data: all of it in a new world, the bot and its thread if its handle is new."""
    fact = f"opened for {world.settings.bot.lower()}"
    if world.facts.get(fact):
        return
    _add_users(world)
    _post_thread(world)
    world.save(**{fact: True})


def _add_users(world: World) -> None:
    rng = random.Random(world.settings.seed)  # noqa: S311 reproducible, not secret
    created_ms = _REGISTERED_MS
    for username, name, bio in ((world.settings.bot, BOT_NAME, BOT_BIO), *USERS):
        created_ms += rng.randrange(86_400_000, 20 * 86_400_000)
        if world.find_person(username) is None:
            world.add_person(username, name, description=bio, created_ms=created_ms)
            _verify_bot(world, username)


def _verify_bot(world: World, username: str) -> None:
    """Mark the bot as automated, as X requires, and as verified, for the higher daily cap."""
    if username == world.settings.bot:
        world.bot.verified = world.bot.automated = True
        world.save(world.bot)


def _post_thread(world: World) -> None:
    bot = world.bot
    post_ids = list(world.post_index.by_author[bot.id])
    for text in THREAD[len(post_ids) :]:
        post = world.create_post(Draft(bot, text, in_reply_to_id=post_ids[-1] if post_ids else None))
        post_ids.append(post.id)
    bot.pinned_post_id = post_ids[0]
    world.save(bot)
