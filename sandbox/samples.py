"""Provide a dozen sample prompts by different users."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.model import Draft
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt. `is_reply`: as a reply to the bot's pinned post, without its handle."""

    author: str
    text: str
    is_reply: bool = False


SAMPLES = (
    Sample("mira_paints", "@{bot} a lighthouse above a stormy sea, waves and wind --ar 4:5"),
    Sample("glacierdan", "@{bot} blue mountains under a full moon, first snow on the peaks --ar 16:9"),
    Sample("oldtomcat", "a ginger cat asleep among sunflowers 🌻", is_reply=True),
    Sample("minjun_k", "@{bot} a city at night in the rain, neon & wet streets --ar 9:16"),
    Sample("claireobscur", "@{bot} une forêt au lever du soleil, brume légère, aquarelle --ar 3:2"),
    Sample("pixelpriya", "@{bot} a night sky full of stars over a quiet desert --ar 4:5"),
    Sample("marcelo_rs", "golden sunset over the sea, one small sailing boat, warm colors --ar 3:2", is_reply=True),
    Sample("sakura_iro", "@{bot} cherry blossom flowers by a river at dusk 🌸 --ar 4:5"),
    Sample("anya_z", "hey @{bot}, please paint an old forest in the fog, two deer --ar 3:2"),
    Sample("leylanur", "@{bot} a field of red poppies under a huge sun, impressionist"),
    Sample("jonas_weber", "a mountain lake that mirrors the stars, very calm --ar 16:9", is_reply=True),
    Sample("noor_h", "@{bot} a crescent moon over the roofs of an old city, deep blue and gold --ar 2:3"),
)


def post_samples(world: World) -> int:
    """Post the samples that this world does not have yet, and return their number."""
    posted_count = int(world.facts.get("samples", 0))
    for number, sample in enumerate(SAMPLES[posted_count:], start=posted_count + 1):
        author = world.find_person(sample.author) or world.add_person(sample.author)
        reply_to = world.bot.pinned_post_id if sample.is_reply else None
        world.create_post(
            Draft(author, sample.text.format(bot=world.settings.bot), in_reply_to_id=reply_to), samples=number
        )
    return len(SAMPLES) - posted_count
