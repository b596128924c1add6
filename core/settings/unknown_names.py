"""Warn about variables that look like settings but are not read, such as misspelt names.

Checks the environment and the `.env`. Messages contain names, never values. Variables of other programs (`PORT` of a
hosting platform, `POSTGRES_PASSWORD` of a compose file) are ignored.
"""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from core.logs import get_logger
from core.settings.base import Settings
from core.settings.env_file import find_env_file, given_names, names_in_env_file
from core.settings.renamed import RENAMED, describe_renamed

log = get_logger(__name__)

# Names with these prefixes are ours. In the environment only the first ones are rarely used by other programs.
OUR_PREFIXES = ("X_", "GALLERY_")
OUR_PREFIXES_IN_ENV_FILE = (*OUR_PREFIXES, "GPU_", "DEPLOY_", "SANDBOX_", "POLL_", "BUDGET_")
# Similarity from which a name counts as misspelt: one or two letters of ten may differ.
MIN_SIMILARITY = 0.85
# Settings of packages that core does not import. A test compares them with the classes that read them.
ELSEWHERE = """
ENV_FILE PORT BOT_HANDLE GALLERY_AI_CRAWLERS GALLERY_SECRET_KEY X_CLIENT_ID X_CLIENT_SECRET X_WEB_URL
GPU_ENGINE GPU_MODEL GPU_DEVICE GPU_TOKEN GPU_HOST GPU_PORT GPU_QUEUE_LIMIT GPU_BATCH_WAIT_MS GPU_BATCH_LIMIT
GPU_MAX_SIDE GPU_ENCODING GPU_ENCODE_THREADS GPU_SAFETY GPU_SAFETY_MODEL GPU_TEXT_MODEL GPU_DTYPE GPU_CHANNELS_LAST
GPU_FUSE_QKV GPU_COMPILE GPU_VAE GPU_WARM_UP GPU_CARD GPU_TYPE GPU_USD_PER_SECOND GPU_KEEPS_SECONDS
GPU_SCALEDOWN_SECONDS GPU_LOG_LEVEL GPU_ALLOW_ANYBODY GPU_REVISIONS
SANDBOX_HOSTS SANDBOX_HOST SANDBOX_PORT SANDBOX_DATA SANDBOX_SEED SANDBOX_BOT SANDBOX_SEARCH_LAG_SECONDS
SANDBOX_CONSUMER_KEY SANDBOX_CONSUMER_SECRET SANDBOX_BEARER SANDBOX_CLIENT_ID SANDBOX_CLIENT_SECRET
SANDBOX_CLIENT_NAME SANDBOX_REDIRECT_URIS SANDBOX_VOCABULARY SANDBOX_OLD_MEDIA SANDBOX_MENTIONS_REACH
SANDBOX_POSTS_REACH SANDBOX_POSTS_REACH_WITHOUT_REPLIES SANDBOX_SEARCH_DAYS SANDBOX_MEDIA_SECONDS
SANDBOX_CLOCK_SKEW_SECONDS SANDBOX_URL
DEPLOY_CARD DEPLOY_GPU_TYPE DEPLOY_CORES DEPLOY_MEMORY_GIB DEPLOY_TIMEZONE DEPLOY_DAY_BEGINS DEPLOY_DAY_START_HOUR
DEPLOY_DAY_MIN DEPLOY_DAY_MAX DEPLOY_DAY_BUFFER DEPLOY_DAY_SCALEDOWN DEPLOY_NIGHT_BEGINS DEPLOY_NIGHT_START_HOUR
DEPLOY_NIGHT_MIN DEPLOY_NIGHT_MAX DEPLOY_NIGHT_BUFFER DEPLOY_NIGHT_SCALEDOWN DEPLOY_SNAPSHOT
"""
READ_ELSEWHERE = frozenset(ELSEWHERE.split())


def find_unknown(names: Iterable[str], prefixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each name that looks like a setting and is none, with the nearest known name (or empty)."""
    known = known_names()
    for name in sorted(names):
        upper = name.upper()
        if upper in known:
            continue
        nearest = get_close_matches(upper, known, n=1, cutoff=MIN_SIMILARITY)
        if nearest or upper.startswith(prefixes):
            yield name, nearest[0] if nearest else ""


def describe_unknown_settings() -> Iterator[str]:
    """Yield one line for each unknown setting, and one for all old names, in the environment and the `.env`."""
    yield from (_describe(name, nearest) for name, nearest in find_unknown(os.environ, OUR_PREFIXES))
    for name, nearest in find_unknown(names_in_env_file(), OUR_PREFIXES_IN_ENV_FILE):
        yield _describe(name, nearest, f" in {find_env_file()}")
    if renamed := describe_renamed(given_names()):
        yield renamed


def warn_about_unknown_settings() -> None:
    """Log those lines as warnings. Called once when a process starts."""
    for line in describe_unknown_settings():
        log.warning(line)


def known_names() -> frozenset[str]:
    """Return the names of all settings, in upper case, with the old ones that are still read."""
    fields = (name.upper() for settings in _subclasses(Settings) for name in settings.model_fields)
    return frozenset(fields) | READ_ELSEWHERE | RENAMED.keys()


def _subclasses(settings: type[Settings]) -> Iterator[type[Settings]]:
    for child in settings.__subclasses__():
        yield child
        yield from _subclasses(child)


def _describe(name: str, nearest: str, place: str = "") -> str:
    meant = f"; do you mean {nearest}?" if nearest else ", and changes nothing"
    return f"{name}{place} is no setting{meant}"
