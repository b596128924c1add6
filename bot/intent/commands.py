"""Knows a command by its words: `again`, `remix: <text>`, `delete`, `stop`, `start`, `help`; and "paint this".

A command is the whole of what somebody says, apart from options. Pure; who may give which is decided in `parser.py`.
"""

import re
import string
import unicodedata
from dataclasses import dataclass

from bot.intent.types import AGAIN, DELETE, HELP, REMIX, START, STOP

_SAID = {
    AGAIN: ("again", "re-run", "rerun", "re run"),
    DELETE: ("delete", "delete this", "delete it", "please delete"),
    STOP: ("stop", "please stop", "stop it", "opt out"),
    START: ("start", "opt in"),
    HELP: ("help",),
}
_COMMANDS = {said: name for name, all_said in _SAID.items() for said in all_said}
EMOJI_SIGNS = "\ufe0e\ufe0f\u20e3"
_ENDINGS = string.whitespace + ".,:;!?…。、！？~☺❤\ufe0f"
_REMIX = re.compile(r"remix(?P<colon>\s*[:\uff1a]\s*|\s+)(?P<text>.*)", re.IGNORECASE | re.DOTALL)

# Who says only this means the post they answer or quote. In a few languages; others write the prompt out.
_THIS = frozenset(
    """
    this|this one|this please|please|it|paint|draw|paint this|draw this|paint it|draw it|paint that|draw that
    please paint this|please draw this|paint this please|draw this please|make this|make it|illustrate this
    can you paint this|can you draw this|could you paint this|could you draw this
    mal das|male das|mal dies|zeichne das|das|das bitte|mal das bitte
    dessine ça|dessine ca|peins ça|peins ca|dessine-moi ça|ça
    pinta esto|dibuja esto|píntalo|dibújalo|esto
    pinta isto|pinta isso|desenha isto|desenha isso|desenhe isso|pinte isso|isto|isso
    disegna questo|dipingi questo|disegnalo|questo
    teken dit|schilder dit|dit
    нарисуй это|нарисуй|это
    これを描いて|これ描いて|描いて|これ
    画这个|画一下|画出来|畫這個|이거 그려줘|그려줘|이거 그려|bunu çiz|rita det här|narysuj to
    """.replace("\n", "|").split("|")
)
_THIS_SAID = frozenset(phrase.strip() for phrase in _THIS)

# Said to a picture or to the bot out of kindness; nobody wants them painted.
_COURTESIES = frozenset(
    """
    thanks|thank you|thank you so much|thank you very much|thanks a lot|many thanks|thx|ty|tysm|cheers
    ok|okay|lol|haha|wow|nice|nice one|cool|great|great job|good job|well done|love it|i love it|good bot|bad bot|bravo
    so nice|very nice|so cool|so good|amazing|so amazing|awesome|beautiful|so beautiful|lovely|gorgeous|incredible
    perfect|love this|i love this|i like it|this is great|this is amazing|this is beautiful|toll|sehr schön|super
    danke|danke schön|vielen dank|merci|merci beaucoup|gracias|muchas gracias|obrigado|obrigada|grazie|grazie mille
    bedankt|dank je|dziękuję|dzięki|teşekkürler|tack|takk|tak|kiitos|спасибо|дякую|ありがとう|ありがとうございます
    谢谢|謝謝|감사합니다|고마워|धन्यवाद|شكرا
    """.replace("\n", "|").split("|")
)
_COURTESIES_SAID = frozenset(phrase.strip() for phrase in _COURTESIES) - {""}


@dataclass(frozen=True)
class Command:
    """A command and, for `remix`, its words. `marked`: written so that it can be nothing else ("remix: ...")."""

    name: str
    text: str = ""
    marked: bool = True


def read_command(words: str) -> Command | None:
    """The command that the words are, or None. `words` is one line without options."""
    if name := _COMMANDS.get(_bare(words)):
        return Command(name)
    if _bare(words) == REMIX:
        return Command(REMIX, marked=words.rstrip().endswith((":", "\uff1a")))
    if found := _REMIX.fullmatch(words.strip()):
        return Command(REMIX, found["text"].strip(), marked=bool(found["colon"].strip()))
    return None


def refers_to_parent_post(words: str) -> bool:
    """Whether the words only point at another post: "paint this", or nothing at all."""
    return _bare(words) in _THIS_SAID


def is_small_talk(words: str) -> bool:
    """Whether the words are thanks or praise and nothing else: "Thanks!! 🙏"."""
    spoken = unicodedata.normalize("NFKC", words).casefold()
    # The sign that makes an emoji colourful is a mark of no letter.
    kept = (c if unicodedata.category(c)[0] in "LM" and c not in EMOJI_SIGNS else " " for c in spoken)
    return " ".join("".join(kept).split()) in _COURTESIES_SAID


def _bare(words: str) -> str:
    """In small letters, without punctuation at the end."""
    text = unicodedata.normalize("NFKC", words).casefold()
    return " ".join(text.rstrip(_ENDINGS).split())
