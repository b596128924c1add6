"""Why a post or creation gets no picture, or its picture no answer on X: one code, one plain sentence for the asker."""

WORDS: dict[str, str] = {
    "empty": "There were no words to paint. Mention the bot together with a description.",
    "too_long": "The prompt is longer than the bot reads. Try again with fewer words.",
    "unpaintable": "The painter could not work with this prompt.",
    "flagged": "The painter's safety check held this picture back.",
    "storage": "The picture could not be kept. The host has been told.",
    "picture_lost": "The picture is not there any more.",
    "gpu_busy": "The painter was too busy for too long. Ask again later.",
    "gpu_down": "The painter could not be reached. Ask again later.",
    "gpu_failed": "The painter failed again and again. The host has been told.",
    "gpu_garbage": "The painter's answer made no sense. The host has been told.",
    "gpu_unauthorized": "The painter refuses to work for this house. The host has been told.",
    "unexpected": "Something went wrong here. The host has been told.",
    "x_forbidden": "X did not let the bot answer this post. The picture hangs in the gallery only.",
    "x_not_summoned": "X lets the bot answer only posts that mention it. The picture hangs in the gallery only.",
    "x_post_gone": "The post is gone or not visible to the bot. The picture hangs in the gallery only.",
    "x_cannot_look": "X did not say whether the bot has answered. The picture hangs in the gallery.",
    "x_gave_up": "X could not be reached for too long. The picture hangs in the gallery only.",
    "x_rejected": "X did not accept the answer. The picture hangs in the gallery only.",
}


def in_words(code: str) -> str:
    """The sentence for a code; unknown codes are shown as they are, so that nothing stays unexplained."""
    return WORDS.get(code, f"Not done: {code}.")
