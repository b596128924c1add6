"""Texts of replies in words only: to a command, to a question, and to a prompt that gets no picture. Pure.

Never a link, a domain, a handle or a hashtag; never too long; and never the same twice, since X refuses duplicates:
every text ends in the number of its creation.
"""

from core.refusals import in_words
from core.x.weighing import MOST, fits, harmless, weight

SAID = {
    "help": "Mention me with what you want to see. Options: --ar 16:9, --n 4, --seed 42, --style ink, --no people. "
    "Under a picture: again, remix: at night, delete, or mention me with any change. Say stop and I'll stop.",
    "stop": "I leave you alone from now on. Mention me with the word start if you change your mind.",
    "start": "Welcome back. Mention me with what you want to see.",
    "delete": "Deleted here and in the gallery.",
    "opted_out": "You asked me to stop. Mention me with the word start to begin again.",
    "photo_alone": "What should I make of it? Reply with a few words, like: as a watercolor.",
    "empty": "What should I paint? Reply with a few words, like: a fox in the snow.",
    "quota": "That's your limit for today. Try again tomorrow.",
    "follow_gate": "I paint for people who follow me.",
    "young_account": "Your account is too new for me. Try again in some days.",
    "not_yours": "Only the person who asked for a picture can delete it.",
    "nothing_there": "I can't find a picture of mine in this thread.",
    "unsafe": "I can't paint that. Try something else.",
    "too_long": "That's too long for me. Try again with fewer words.",
    "unpaintable": "I couldn't paint that prompt. Try other words.",
    "flagged": "The safety check held this picture back. Try other words.",
    "no_start_picture": "I couldn't read that photo. Try a JPEG, PNG or WebP.",
    "failed": "Sorry, I couldn't paint that, though I tried several times. Reply again for another try.",
}


def words_for(code: str, creation_id: int) -> str:
    """Return the text of the reply to a post, by the code of what became of it."""
    return numbered(SAID.get(code) or in_words(code), creation_id)


# How wait notices begin, behind the handle that X puts before a reply.
WAITS = ("Your picture will take ", "Your picture takes longer ")


def is_wait_notice(text: str) -> bool:
    """Return whether a reply only tells of a wait: the picture is still to come."""
    return any(words in text for words in WAITS)


def wait_text(minutes: int, creation_id: int) -> str:
    """Return the text of a wait notice. 0 minutes: nobody knows how long."""
    known = f"{WAITS[0]}about {minutes} min." if minutes else f"{WAITS[1]}than usual."
    return numbered(f"{known} It will be posted here.", creation_id)


def numbered(words: str, creation_id: int) -> str:
    """Return the words, safe for a post and cut to its length, with the number of their creation."""
    ending = f" (No. {creation_id})"
    return fits(harmless(words), MOST - weight(ending)) + ending
