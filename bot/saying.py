"""What is answered on X in words: to a command, and to a prompt that gets no picture where the host wants that told.

Never a link, a domain, a handle or a hashtag; never too long; and never the same twice, since X refuses duplicates:
every answer ends in the number of its creation. Pure.
"""

from core.refusals import in_words
from core.x.weighing import MOST, fits, harmless, weight

SAID = {
    "help": "Mention me with what you want to see. Options: --ar 16:9, --n 4, --seed 42, --style ink, --no people. "
    "Under a picture: again, or remix: and new words, or delete. Say stop and I leave you alone.",
    "stop": "I leave you alone from now on. Mention me with the word start if you change your mind.",
    "start": "Welcome back. Mention me with what you want to see.",
    "delete": "It is taken away from the gallery, and my answer from here.",
    "opted_out": "You asked me to stop. Mention me with the word start to begin again.",
    "quota": "You have had as many pictures as one day allows. Come back tomorrow.",
    "not_yours": "Only who asked for a picture can have it deleted.",
}


def words_for(code: str, creation_id: int) -> str:
    """The answer to a post, by the code of what became of it."""
    ending = f" (No. {creation_id})"
    return fits(harmless(SAID.get(code) or in_words(code)), MOST - weight(ending)) + ending
