"""Choose the words of a prompt that are worth searching for."""

import re
from itertools import islice

MAX_WORDS, MAX_WORD_LENGTH = 6, 24
# Words of at least four letters; scripts without spaces and alphabets of syllables need fewer.
WORD = re.compile(r"[a-zA-Z\u00c0-\u024f]{4,}|[^\W\d_a-zA-Z\u00c0-\u024f]{2,}")
# Frequent in prompts, and found in nearly all of them.
COMMON = frozenset(
    re.findall(
        r"\w+",
        """about above after again against along also among another around because been before behind being below beside
        between beyond both could does down during each ever every from front have having here high image inside into
        just like look looking looks made make makes many more most much near next only onto other over painting photo
        picture quality same shows some such than that their them then there these they this those through under upon
        very view were what when where which while with within without would your""",
    )
)


def pick_search_words(prompt: str) -> list[str]:
    """Return the first distinct words of a prompt without the common ones, at most MAX_WORDS, in lower case."""
    words = (match[0].lower() for match in WORD.finditer(prompt))
    distinct = dict.fromkeys(word for word in words if word not in COMMON and len(word) <= MAX_WORD_LENGTH)
    return list(islice(distinct, MAX_WORDS))
