"""Choose the words of a prompt that are worth searching for."""

import re
from itertools import islice

MAX_WORDS, MAX_WORD_LENGTH = 6, 24
# Words of at least three letters; scripts without spaces and alphabets of syllables need fewer.
WORD = re.compile(r"[a-zA-Z\u00c0-\u024f]{3,}|[^\W\d_a-zA-Z\u00c0-\u024f]{2,}")
# Frequent in prompts, and found in nearly all of them.
COMMON = frozenset(
    re.findall(
        r"\w+",
        """about above after again against all along also among and another any are around because been before behind
        being below beside between beyond both but can could did does down during each ever every for from front get
        had has have having her here high him his how image inside into its just let like look looking looks made make
        makes many may more most much near next not off one only onto other our out over own painting per photo
        picture put quality same say she shows some such than that the their them then there these they this those
        through too under upon use very via view was way were what when where which while who with within without
        would you your""",
    )
)


def pick_search_words(prompt: str) -> list[str]:
    """Return the first distinct words of a prompt without the common ones, at most MAX_WORDS, in lower case."""
    words = (match[0].lower() for match in WORD.finditer(prompt))
    distinct = dict.fromkeys(word for word in words if word not in COMMON and len(word) <= MAX_WORD_LENGTH)
    return list(islice(distinct, MAX_WORDS))
