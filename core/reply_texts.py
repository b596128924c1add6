"""Texts of replies without a picture: to commands, questions and rejected prompts. Pure functions.

A text has no link, domain, handle or hashtag, and fits into a post. It ends with the number of its creation, because X
rejects duplicate posts.
"""

from core.reason_codes import message_for
from core.twittertext.length import MAX_POST_LENGTH, strip_entities, truncate, weighted_length

REPLY_TEXTS = {
    "help": "Mention me with what you want to see. Options: --ar 16:9, --n 4, --seed 42, --style ink, --no people. "
    "Under a picture: again, remix: at night, delete, or mention me with any change. Say stop and I'll stop.",
    "stop": "OK, I'll stop. Mention me with the word start to turn me back on.",
    "start": "Welcome back. Mention me with what you want to see.",
    "delete": "Deleted here and in the gallery.",
    "opted_out": "You asked me to stop. Mention me with the word start to turn me back on.",
    "photo_alone": "What should I make of it? Reply with a few words, like: as a watercolor.",
    "empty": "What should I paint? Reply with a few words, like: a fox in the snow.",
    "quota": "That's your limit for today. Try again tomorrow.",
    "follow_gate": "I paint for people who follow me.",
    "young_account": "Your account is too new for me. Try again in a few days.",
    "not_yours": "Only the person who asked for a picture can delete it.",
    "nothing_there": "I can't find a picture of mine in this thread.",
    "unsafe": "I can't paint that (adult or hateful content). Try something else.",
    "too_long": "That's too long for me. Try again with fewer words.",
    "unpaintable": "I couldn't paint that prompt. Try other words.",
    "flagged": "The safety check held this picture back. Try other words.",
    "no_start_picture": "I couldn't read that photo. Try a JPEG, PNG or WebP.",
    "failed": "Sorry, I couldn't paint that after several tries. Reply again for another try.",
}


def reply_text_for(code: str, creation_id: int) -> str:
    """Return the reply text for a reason code."""
    return numbered(REPLY_TEXTS.get(code) or message_for(code), creation_id)


# First words of wait notices, after the handle that X puts before a reply.
WAIT_NOTICE_STARTS = ("Your picture will take ", "Your picture takes longer ")


def is_wait_notice(text: str) -> bool:
    """Return whether a reply only announces a wait, so that the picture is still to come."""
    return any(start in text for start in WAIT_NOTICE_STARTS)


def wait_notice_text(minutes: int, creation_id: int) -> str:
    """Return the text of a wait notice. 0 minutes: the wait is unknown."""
    estimate = f"{WAIT_NOTICE_STARTS[0]}about {minutes} min." if minutes else f"{WAIT_NOTICE_STARTS[1]}than usual."
    return numbered(f"{estimate} It will be posted here.", creation_id)


def numbered(text: str, creation_id: int) -> str:
    """Return the text without links and handles, cut to a post's length, with the number of its creation."""
    ending = f" (No. {creation_id})"
    return truncate(strip_entities(text), MAX_POST_LENGTH - weighted_length(ending)) + ending
