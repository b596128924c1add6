"""Find settings that are misspelt: a variable that is read by nobody changes nothing, and nobody would notice.

Looks at the environment and at the instance's `.env`. Only names are told, never values. Names that belong to others
(`PORT` of a hosting platform, `POSTGRES_PASSWORD` of a compose file) are left alone.
"""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from dotenv import dotenv_values

from core.logs import get_logger
from core.settings.base import Settings
from core.settings.location import find_env_file

log = get_logger(__name__)

# Names with one of these beginnings are meant for us; in the environment only the first ones are so rarely others'.
OUR_PREFIXES = ("X_", "GALLERY_")
OUR_PREFIXES_IN_ENV_FILE = (*OUR_PREFIXES, "GPU_", "DEPLOY_", "SANDBOX_", "POLL_", "BUDGET_")
# How near a name must be to one of ours: one or two letters of ten may differ.
NEAR = 0.85
# Read by parts that this package does not import. A test compares them with the classes that read them.
ELSEWHERE = """
ENV_FILE PORT BOT_HANDLE GALLERY_AI_CRAWLERS GALLERY_SECRET X_CLIENT_ID X_CLIENT_SECRET X_WEB_URL
GPU_ENGINE GPU_MODEL GPU_DEVICE GPU_TOKEN GPU_HOST GPU_PORT GPU_QUEUE_LIMIT GPU_BATCH_WAIT_MS GPU_BATCH_LIMIT
GPU_MAX_SIDE GPU_ENCODING GPU_ENCODE_THREADS GPU_SAFETY GPU_SAFETY_MODEL GPU_DTYPE GPU_CHANNELS_LAST GPU_FUSE_QKV
GPU_COMPILE GPU_VAE GPU_WARM_UP GPU_CARD GPU_USD_PER_SECOND GPU_KEEPS_SECONDS GPU_LOG_LEVEL
GPU_ALLOW_ANYBODY GPU_REVISIONS SANDBOX_HOSTS
DEPLOY_CARD DEPLOY_CORES DEPLOY_MEMORY_GIB DEPLOY_TIMEZONE DEPLOY_DAY_BEGINS DEPLOY_DAY_MIN DEPLOY_DAY_MAX
DEPLOY_DAY_BUFFER DEPLOY_DAY_SCALEDOWN DEPLOY_NIGHT_BEGINS DEPLOY_NIGHT_MIN DEPLOY_NIGHT_MAX DEPLOY_NIGHT_BUFFER
DEPLOY_NIGHT_SCALEDOWN DEPLOY_SNAPSHOT
SANDBOX_HOST SANDBOX_PORT SANDBOX_DATA SANDBOX_SEED SANDBOX_BOT SANDBOX_SEARCH_LAG_SECONDS SANDBOX_CONSUMER_KEY
SANDBOX_CONSUMER_SECRET SANDBOX_BEARER SANDBOX_CLIENT_ID SANDBOX_CLIENT_SECRET SANDBOX_CLIENT_NAME
SANDBOX_REDIRECT_URIS SANDBOX_VOCABULARY SANDBOX_OLD_MEDIA SANDBOX_MENTIONS_REACH SANDBOX_POSTS_REACH
SANDBOX_POSTS_REACH_WITHOUT_REPLIES SANDBOX_SEARCH_DAYS SANDBOX_MEDIA_SECONDS SANDBOX_CLOCK_SKEW_SECONDS
SANDBOX_URL
"""
READ_ELSEWHERE = frozenset(ELSEWHERE.split())


def misspelt(names: Iterable[str], prefixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each name that looks like one of our settings and is none, with the nearest right one (or empty)."""
    known = known_names()
    for name in sorted(names):
        upper = name.upper()
        if upper in known:
            continue
        near = get_close_matches(upper, known, n=1, cutoff=NEAR)
        if near or upper.startswith(prefixes):
            yield name, near[0] if near else ""


def misspelt_settings() -> Iterator[str]:
    """Yield one line for each misspelt setting of this process and of its `.env`."""
    yield from (_in_words(name, near, "") for name, near in misspelt(os.environ, OUR_PREFIXES))
    if file := find_env_file():
        names = set(dotenv_values(file, interpolate=False)) - set(os.environ)
        yield from (_in_words(name, near, f" in {file}") for name, near in misspelt(names, OUR_PREFIXES_IN_ENV_FILE))


def warn_of_misspelt_settings() -> None:
    """Log one warning for each. For the start of a process."""
    for line in misspelt_settings():
        log.warning(line)


def known_names() -> frozenset[str]:
    """Return the names of all settings, in capital letters."""
    return frozenset(name.upper() for kind in _kinds(Settings) for name in kind.model_fields) | READ_ELSEWHERE


def _kinds(kind: type[Settings]) -> Iterator[type[Settings]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


def _in_words(name: str, near: str, where: str) -> str:
    meant = f"; do you mean {near}?" if near else ", and changes nothing"
    return f"{name}{where} is no setting{meant}"
