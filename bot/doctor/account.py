"""Checks X: does it answer, are the keys right, whose are they, may they write, is the account fit to answer people.

Reads only; what it asks costs a cent or two. Knows no queue and no database.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx

from bot.doctor.findings import Finding, fail, ok, warn
from core.clock import now
from core.errors import GiveUp, HouseError, TryLater
from core.settings import PaceSettings, XSettings, load
from core.x import Account, XClient, open_x
from core.x.refusals import FORBIDDEN

# OAuth 1.0a refuses what is signed more than five minutes off.
REFUSED_SKEW = timedelta(minutes=5)
LARGE_SKEW = timedelta(minutes=1)
VERIFIED_CAP, UNVERIFIED_CAP = 2400, 200
OPERATOR = re.compile(r"(?<!\w)@\w|\b(run|operated|made|built|hosted|maintained) by\b|\bbot of\b", re.IGNORECASE)
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
NEW_KEYS = "in the developer console create the access token anew, as the bot's account, and copy token and secret"
REFUSALS = {
    "x_unauthorized": ("X does not accept the keys, perhaps only for the clock", "set the clock, then look again"),
    "x_clock": ("X does not accept the keys, perhaps only for the clock", "set the clock, then look again"),
    "x_account_suspended": ("X has suspended the account", "appeal in the account's own inbox on X"),
    "x_account_locked": ("X has locked the account", "log in on x.com and unlock it"),
    "x_suspended": ("X has suspended the account", "appeal in the account's own inbox on X"),
    "x_app_restricted": ("X has restricted the app", "see the developer console"),
    "x_looks_automated": ("the account looks automated to X", "see its inbox on x.com"),
    "x_no_access": ("the app has no access to this call", "see its plan in the developer console"),
    "x_not_enrolled": ("the app belongs to no project that may use the API", "attach it to one in the console"),
    "x_no_credits": ("X wants money before it answers", "buy credits in the developer console"),
}


def examine(settings: XSettings, handle: str, watched: frozenset[int]) -> Iterator[Finding]:
    """From the outside in: what is broken hides what lies behind it."""
    probe = _probe(settings.x_api_url)
    if isinstance(probe, Finding):
        yield probe
        return
    yield _address(settings.x_api_url)
    clock = _clock(probe)
    yield clock
    client = open_x(settings)
    try:
        access = client.access()
    except HouseError as error:
        yield _refused(settings, error, clock_is_wrong=clock.level == "FAIL")
        return
    yield from _whose(access.account, handle)
    yield _level(access.level)
    yield from _standing(access.account, load(PaceSettings))
    yield from _posts(client, access.account, watched)


def _probe(url: str) -> httpx.Response | Finding:
    """An unsigned call: X refuses it, and tells its time."""
    try:
        return httpx.get(f"{url.rstrip('/')}/2/users/me", timeout=10, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = type(error).__name__
        return fail(f"X does not answer at {_shown(url)} ({reason})", "check X_API_URL and this machine's network")


def _address(url: str) -> Finding:
    parts = urlsplit(url)
    if parts.hostname in LOCAL:
        return warn(f"X_API_URL is {_shown(url)}: the sandbox, not X", "for X set X_API_URL=https://api.x.com")
    if parts.scheme != "https":
        return fail(f"X_API_URL is {_shown(url)}: unprotected on its way", "use https://")
    return ok(f"X answers at {_shown(url)}")


def _shown(url: str) -> str:
    """An address without whatever password somebody may have put into it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what X_API_URL says"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _clock(probe: httpx.Response) -> Finding:
    try:
        skew = now() - parsedate_to_datetime(probe.headers["date"])
    except (KeyError, ValueError, TypeError):
        return warn("X did not tell its time", "see that this machine's clock is set by NTP")
    seconds = round(abs(skew.total_seconds()))
    said = f"this machine's clock is {seconds} s {'ahead of' if skew > timedelta(0) else 'behind'} X's"
    if abs(skew) > REFUSED_SKEW:
        return fail(said, "X refuses every call; set the clock by NTP")
    return warn(said, "set the clock by NTP") if abs(skew) > LARGE_SKEW else ok("this machine's clock agrees with X's")


def _refused(settings: XSettings, error: HouseError, *, clock_is_wrong: bool) -> Finding:
    code = getattr(error, "code", "")
    if code in ("x_unauthorized", "x_clock") and not clock_is_wrong:
        return _which_key(settings)
    if code in REFUSALS:
        return fail(*REFUSALS[code])
    if isinstance(error, TryLater) and code != FORBIDDEN:
        return fail(f"X cannot be asked who we are ({error})", "look again in some minutes")
    return fail(f"X does not let us ask who we are ({error})", "log in as the bot: X may have locked the account")


def _which_key(settings: XSettings) -> Finding:
    """X refuses a signed call without saying why; whether it knows the app can be asked apart."""
    key, secret = (
        quote(part.get_secret_value(), safe="") for part in (settings.x_consumer_key, settings.x_consumer_secret)
    )
    address = f"{settings.x_api_url.rstrip('/')}/oauth2/token"
    form = {"grant_type": "client_credentials"}
    try:
        answer = httpx.post(address, auth=(key, secret), data=form, timeout=10, trust_env=False)
    except httpx.HTTPError:
        return fail("X does not accept the keys, and does not say which", "copy all four of them again")
    if answer.status_code == 200:
        return fail("X knows the app, but not X_ACCESS_TOKEN or its secret", NEW_KEYS)
    if answer.status_code in (400, 401, 403):
        to_do = "copy the app's API key and secret again; a regenerated one makes the old one worthless"
        return fail("X does not know X_CONSUMER_KEY or its secret", to_do)
    return fail("X does not accept the keys, and does not say which", "copy all four of them again")


def _whose(account: Account, handle: str) -> Iterator[Finding]:
    mine = account.author.username
    if mine.lower() == handle.lower():
        yield ok(f"the keys are of @{mine}")
    else:
        to_do = f"set BOT_HANDLE={mine}, or {NEW_KEYS}"
        yield fail(f"the keys are of @{mine}, but the gallery tells people to mention @{handle}", to_do)


def _level(level: str) -> Finding:
    if level.startswith("read-write"):
        return ok("the keys may read and write")
    if not level:
        return warn("X did not say whether the keys may write", "look into the console: the app needs read and write")
    to_do = f"switch the app to read and write, then {NEW_KEYS}: an older token stays read-only"
    return fail(f"the keys may only {level}", to_do)


def _standing(account: Account, settings: PaceSettings) -> Iterator[Finding]:
    author = account.author
    if author.protected:
        yield fail(f"@{author.username} is protected: nobody sees its answers", "switch off 'Protect your posts'")
    cap = VERIFIED_CAP if author.verified else UNVERIFIED_CAP
    kind = "verified" if author.verified else "not verified"
    asked = settings.x_replies_per_day
    if asked and asked > cap:
        said = f"X_REPLIES_PER_DAY={asked}, but the account is {kind}: X stops it at {cap}"
        yield warn(said, f"set X_REPLIES_PER_DAY={cap}, or leave it empty")
    elif not author.verified:
        yield warn(f"the account is not verified: {cap} answers a day", "a verified account has 2,400")
    else:
        yield ok(f"the account is verified: {cap:,} answers a day")
    if OPERATOR.search(author.description):
        yield ok("the description names who runs the bot")
    else:
        yield warn("the description does not say who runs the bot", "X wants it: for example 'A bot, run by @you'")
    to_do = "see that it is there: Settings, Your account, Automation"
    yield warn("X does not tell programs whether an account is labelled 'Automated'", to_do)


def _posts(client: XClient, account: Account, watched: frozenset[int]) -> Iterator[Finding]:
    """The pinned post and the watched ones: there, and ours."""
    if account.pinned_id is None and not watched:
        yield warn("no post is pinned or watched: only mentions are prompts", "python -m bot announce, then pin it")
        return
    ids = sorted(watched | ({account.pinned_id} if account.pinned_id else set()))[:100]
    try:
        looked = client.posts(ids)
    except (TryLater, GiveUp) as error:
        yield warn(f"the pinned and watched posts cannot be looked up ({error})", "look again in some minutes")
        return
    authors = {post.id: post.author for post in looked.posts}
    problems = 0
    for post_id in ids:
        author = authors.get(post_id)
        kind = "the pinned post" if post_id == account.pinned_id else "the watched post"
        if author is None:
            problems += 1
            to_do = "take it out of X_WATCHED_POSTS, or pin another"
            yield warn(f"{kind} {post_id} is not there ({looked.lost.get(post_id, 'unknown')})", to_do)
        elif author.id != account.author.id:
            problems += 1
            yield warn(f"{kind} {post_id} is not the bot's own", "X does not let the bot answer replies to it")
    if not problems:
        yield ok(f"pinned and watched posts are there, and the bot's own: {len(ids)}")
