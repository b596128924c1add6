"""Reason codes of posts and creations without a picture or reply, each with one sentence for its author."""

from core.text import mark

MESSAGES: dict[str, str] = {
    "opted_out": mark("You asked the bot to stop. Mention it with the word start to turn it on again."),
    "banned": mark("The operator has banned this account."),
    "too_old": mark("The post was too old when the bot read it. Ask again."),
    "too_many_waiting": mark("Too many people asked while the bot was offline. Ask again."),
    "quota": mark("That's the limit for today. Try again tomorrow."),
    "cooldown": mark("That was quick. Wait a moment between two prompts."),
    "conversation": mark("The bot has replied often enough in this conversation."),
    "bot": mark("The bot does not reply to other bots."),
    "follow_gate": mark("The bot paints for people who follow it."),
    "young_account": mark("This account is too new for the bot."),
    "unsafe": mark("The bot can't paint that (adult or hateful content). Try something else."),
    "budget": mark("The bot has used up its budget for now. Try again tomorrow."),
    "nothing_there": mark("There is no picture in this thread to paint again."),
    "not_yours": mark("Only the person who asked for a picture can delete it."),
    "no_start_picture": mark("The picture to start from could not be read. Try a JPEG, PNG or WebP."),
    "start_too_large": mark(
        "The picture to start from is too large. A JPEG may have 67 million pixels, others 26 million."
    ),
    "start_too_slow": mark("The picture to start from takes too long to read."),
    "start_taken_back": mark("The picture to start from was deleted by its owner."),
    "post_gone": mark("The post was deleted before it could be painted."),
    "start_picture": mark("The picture to start from could not be fetched."),
    "deleted": mark("Deleted by its author."),
    "taken_down": mark("Removed by the operator."),
    "help": mark("A question, answered in text."),
    "stop": mark("The bot will no longer reply to this person."),
    "start": mark("The bot paints for this person again."),
    "delete": mark("A picture was deleted by its author."),
    "photo_alone": mark("There were no words with the photo. Reply with what to make of it."),
    "wait": mark("The picture takes some minutes."),
    "failed": mark("It could not be painted after several tries."),
    "empty": mark("There was no prompt. Mention the bot together with a description."),
    "too_long": mark("The prompt is too long. Try again with fewer words."),
    "unpaintable": mark("The image service could not paint this prompt. Try other words."),
    "flagged": mark("The safety check held this picture back. Try other words."),
    "storage": mark("The picture could not be saved. The operator has been notified."),
    "picture_lost": mark("The picture no longer exists."),
    "gpu_busy": mark("The image service was too busy for too long. Try again later."),
    "gpu_down": mark("The image service could not be reached. Try again later."),
    "gpu_slow": mark("The image service took too long several times. Try again later."),
    "gpu_resting": mark("The image service is down. The bot retries automatically."),
    "gpu_failed": mark("The image service failed several times. The operator has been notified."),
    "gpu_garbage": mark("The image service sent an invalid response. The operator has been notified."),
    "gpu_unchecked": mark(
        "The image service skips the safety check, so its pictures are hidden. The operator was notified."
    ),
    "gpu_refused": mark("The image service, or a proxy before it, keeps rejecting this prompt. Try other words."),
    "gpu_unauthorized": mark("The image service rejects the bot's token. The operator has been notified."),
    "unexpected": mark("Something went wrong. The operator has been notified."),
    "x_forbidden": mark("X did not let the bot reply to this post. The picture is in the gallery only."),
    "x_not_summoned": mark("X lets the bot reply only to posts that mention it. The picture is in the gallery only."),
    "x_prefix_only": mark("X lets the bot reply only if the post itself names it. The picture is in the gallery only."),
    "x_not_allowed": mark("The author limited who can reply. The picture is in the gallery only."),
    "x_blocked": mark("A proxy before X refused the reply. The picture is in the gallery only."),
    "x_suspended": mark("X has suspended an account in this conversation. The picture is in the gallery only."),
    "x_post_gone": mark("The post was deleted, or the bot can't see it. The picture is in the gallery only."),
    "x_cannot_look": mark("X did not say whether the bot has already replied. The picture is in the gallery only."),
    "x_gave_up": mark("X could not be reached for too long. The picture is in the gallery only."),
    "x_rejected": mark("X did not accept the reply. The picture is in the gallery only."),
}

# Commands and notices, not prompts for a picture. They have no page in the gallery.
COMMAND_CODES = frozenset({"help", "stop", "start", "delete", "not_yours", "wait", "failed"})
# The COMMAND_CODES that report on another creation of the same post.
NOTICE_CODES = frozenset({"wait", "failed"})
# No text reply on X for these codes unless REPLY_WITH_TEXT_FOR names them: spam (over a limit), users the bot must
# not reply to, posts that are deleted or too old, and a used-up budget.
SILENT_BY_DEFAULT = frozenset(
    {"cooldown", "conversation", "bot", "banned", "opted_out", "too_old", "too_many_waiting", "budget"}
    | {"post_gone", "deleted", "taken_down"}
)
# Prompts with these codes are hidden from all users. Other prompts without a picture are visible to their author
# (`gallery/queries/creation_rows.py`).
HIDDEN_PROMPT_CODES = frozenset({"unsafe"})


def message_for(code: str) -> str:
    """Return the sentence for a code. An unknown code appears in the text as it is."""
    return MESSAGES.get(code, f"Not done: {code}.")
