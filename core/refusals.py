"""Why a post or creation gets no picture, or its picture no answer on X: one code, one plain sentence for the asker."""

WORDS: dict[str, str] = {
    "opted_out": "This person asked the bot to stop. Mention it with the word start to begin again.",
    "banned": "The host does not paint for this account.",
    "too_old": "The post was too old when the bot saw it. Ask again.",
    "too_many_waiting": "Too many people asked while the bot was away. Ask again.",
    "quota": "This person has asked for as many pictures as one day allows. Come back tomorrow.",
    "cooldown": "That was quick. Wait a moment between two prompts.",
    "conversation": "The bot has answered often enough in this conversation.",
    "bot": "The bot does not answer other bots.",
    "follow_gate": "The bot paints for people who follow it.",
    "young_account": "This account is too new for the bot.",
    "unsafe": "The bot does not paint this.",
    "budget": "The house has spent what it can for now. Ask again tomorrow.",
    "nothing_there": "There is no picture here that could be painted again.",
    "not_yours": "Only who asked for a picture can have it deleted.",
    "no_start_picture": "The picture to start from could not be read.",
    "start_too_large": "The picture to start from is too large. A JPEG may have 67 million pixels, others 26 million.",
    "start_too_slow": "The picture to start from takes too long to read.",
    "start_taken_back": "The picture to start from is not there any more: its owner took it back.",
    "post_gone": "The post was gone before it could be painted.",
    "start_picture": "The picture to start from could not be fetched.",
    "deleted": "Deleted, as its author wished.",
    "taken_down": "The host has taken this down.",
    "help": "A question, answered in words.",
    "stop": "From now on the bot leaves this person alone.",
    "start": "The bot paints for this person again.",
    "delete": "A picture was taken away, as its author wished.",
    "photo_alone": "There were no words with the photo. Reply with what to make of it.",
    "wait": "The picture takes some minutes.",
    "failed": "It could not be painted, though it was tried several times.",
    "empty": "There were no words to paint. Mention the bot together with a description.",
    "too_long": "The prompt is longer than the bot reads. Try again with fewer words.",
    "unpaintable": "The painter could not work with this prompt.",
    "flagged": "The painter's safety check held this picture back.",
    "storage": "The picture could not be kept. The host has been told.",
    "picture_lost": "The picture is not there any more.",
    "gpu_busy": "The painter was too busy for too long. Ask again later.",
    "gpu_down": "The painter could not be reached. Ask again later.",
    "gpu_slow": "The painter took too long, again and again. Ask again later.",
    "gpu_resting": "The painter is away. It is tried again by itself.",
    "gpu_failed": "The painter failed again and again. The host has been told.",
    "gpu_garbage": "The painter's answer made no sense. The host has been told.",
    "gpu_unchecked": "The painter's pictures are not checked, so they are not shown. The host has been told.",
    "gpu_refused": "Something on the way to the painter refuses this prompt, again and again. Try other words.",
    "gpu_unauthorized": "The painter refuses to work for this house. The host has been told.",
    "unexpected": "Something went wrong here. The host has been told.",
    "x_forbidden": "X did not let the bot answer this post. The picture hangs in the gallery only.",
    "x_not_summoned": "X lets the bot answer only posts that mention it. The picture hangs in the gallery only.",
    "x_prefix_only": "X does not let the bot answer who does not name it. The picture hangs in the gallery only.",
    "x_not_allowed": "The author chose who may reply here. The picture hangs in the gallery only.",
    "x_blocked": "Something before X refused the reply. The picture hangs in the gallery only.",
    "x_suspended": "X has suspended an account that is part of this. The picture hangs in the gallery only.",
    "x_post_gone": "The post is gone or not visible to the bot. The picture hangs in the gallery only.",
    "x_cannot_look": "X did not say whether the bot has answered. The picture hangs in the gallery.",
    "x_gave_up": "X could not be reached for too long. The picture hangs in the gallery only.",
    "x_rejected": "X did not accept the answer. The picture hangs in the gallery only.",
}

# Said to the bot or by it, and no wish for a picture: it was done or not, and there is nothing to show a page of.
NO_CREATION = frozenset({"help", "stop", "start", "delete", "not_yours", "wait", "failed"})
# Of these, what the bot says about another creation of the same post.
NOTICES = frozenset({"wait", "failed"})
# Not told on X unless the operator names them: spam (over a limit), people who are not to be answered, posts that are
# gone or so old that a reply would come out of nowhere, and what a spent budget could not pay for.
SILENT = frozenset(
    {"cooldown", "conversation", "bot", "banned", "opted_out", "too_old", "too_many_waiting", "budget"}
    | {"post_gone", "deleted", "taken_down"}
)
# Their words are shown to nobody. Those of all else that became no picture are shown to their author alone
# (`gallery/creation_rows.py`).
UNSHOWN = frozenset({"unsafe"})


def in_words(code: str) -> str:
    """The sentence for a code; unknown codes are shown as they are, so that nothing stays unexplained."""
    return WORDS.get(code, f"Not done: {code}.")
