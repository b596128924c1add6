"""Check X: reachable, keys, their account, write permission, and whether the account suits a bot.

Reads only. The calls cost one or two cents.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx

from bot.doctor.results import CheckResult, fail, ok, warn
from core.clock import now
from core.errors import GiveUp, ThreadpaintError, TryLater
from core.settings import RateLimitSettings, XSettings, load
from core.x import Account, XClient, open_x
from core.x.refusals import FORBIDDEN

# X rejects OAuth 1.0a signatures that are more than five minutes off.
MAX_SKEW = timedelta(minutes=5)
LARGE_SKEW = timedelta(minutes=1)
# Replies per day.
VERIFIED_CAP, UNVERIFIED_CAP = 2400, 200
OPERATOR_BIO = re.compile(r"(?<!\w)@\w|\b(run|operated|made|built|hosted|maintained) by\b|\bbot of\b", re.IGNORECASE)
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
REGENERATE_HINT = "regenerate the access token in the developer console as the bot's account, and copy both parts"
REJECTIONS = {
    "x_unauthorized": ("X rejects the keys, perhaps only because of the clock", "set the clock, then try again"),
    "x_clock": ("X rejects the keys, perhaps only because of the clock", "set the clock, then try again"),
    "x_account_suspended": ("X has suspended the account", "appeal in the account's own inbox on X"),
    "x_account_locked": ("X has locked the account", "log in on x.com and unlock it"),
    "x_suspended": ("X has suspended the account", "appeal in the account's own inbox on X"),
    "x_app_restricted": ("X has restricted the app", "see the developer console"),
    "x_looks_automated": ("the account looks automated to X", "see its inbox on x.com"),
    "x_no_access": ("the app has no access to this call", "see its plan in the developer console"),
    "x_not_enrolled": ("the app belongs to no project that may use the API", "attach it to one in the console"),
    "x_no_credits": ("the X API credits are used up", "buy credits in the developer console"),
}


def check_account(settings: XSettings, handle: str, watched: frozenset[int]) -> Iterator[CheckResult]:
    """Check from the outside in, and stop if a failure makes the later checks meaningless."""
    probe = _probe(settings.x_api_url)
    if isinstance(probe, CheckResult):
        yield probe
        return
    yield _check_address(settings.x_api_url)
    clock = _check_clock(probe)
    yield clock
    client = open_x(settings)
    try:
        access = client.check_credentials()
    except ThreadpaintError as error:
        yield _explain_rejection(settings, error, clock_is_wrong=clock.level == "FAIL")
        return
    yield _check_handle(access.account, handle)
    yield _check_permission(access.level)
    yield from _check_profile(access.account, load(RateLimitSettings))
    yield from _check_posts(client, access.account, watched)


def _probe(url: str) -> httpx.Response | CheckResult:
    """Send an unsigned call: X rejects it, and its response has X's time."""
    try:
        return httpx.get(f"{url.rstrip('/')}/2/users/me", timeout=10, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = type(error).__name__
        return fail(f"X does not respond at {_redact(url)} ({reason})", "check X_API_URL and this machine's network")


def _check_address(url: str) -> CheckResult:
    parts = urlsplit(url)
    if parts.hostname in LOCAL_HOSTS:
        return warn(f"X_API_URL is {_redact(url)}: the sandbox, not X", "for X set X_API_URL=https://api.x.com")
    if parts.scheme != "https":
        return fail(f"X_API_URL is {_redact(url)}: unencrypted", "use https://")
    return ok(f"X responds at {_redact(url)}")


def _redact(url: str) -> str:
    """Return the address without a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "X_API_URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _check_clock(probe: httpx.Response) -> CheckResult:
    try:
        skew = now() - parsedate_to_datetime(probe.headers["date"])
    except (KeyError, ValueError, TypeError):
        return warn("X sent no time", "check that NTP sets this machine's clock")
    seconds = round(abs(skew.total_seconds()))
    message = f"this machine's clock is {seconds} s {'ahead of' if skew > timedelta(0) else 'behind'} X's"
    if abs(skew) > MAX_SKEW:
        return fail(message, "X rejects every call; set the clock by NTP")
    return (
        warn(message, "set the clock by NTP") if abs(skew) > LARGE_SKEW else ok("this machine's clock agrees with X's")
    )


def _explain_rejection(settings: XSettings, error: ThreadpaintError, *, clock_is_wrong: bool) -> CheckResult:
    code = getattr(error, "code", "")
    if code in ("x_unauthorized", "x_clock") and not clock_is_wrong:
        return _find_wrong_key(settings)
    if code in REJECTIONS:
        return fail(*REJECTIONS[code])
    if isinstance(error, TryLater) and code != FORBIDDEN:
        return fail(f"X cannot be asked for the account ({error})", "try again in some minutes")
    return fail(f"X denies access to the account ({error})", "log in as the bot: X may have locked the account")


def _find_wrong_key(settings: XSettings) -> CheckResult:
    """Find out which key is wrong. X gives no reason for a signed call, but the app's keys can be checked alone."""
    key, secret = (
        quote(part.get_secret_value(), safe="") for part in (settings.x_consumer_key, settings.x_consumer_secret)
    )
    address = f"{settings.x_api_url.rstrip('/')}/oauth2/token"
    form = {"grant_type": "client_credentials"}
    try:
        response = httpx.post(address, auth=(key, secret), data=form, timeout=10, trust_env=False)
    except httpx.HTTPError:
        return fail("X rejects the keys, and does not say which", "copy all four of them again")
    if response.status_code == 200:
        return fail("X knows the app, but not X_ACCESS_TOKEN or its secret", REGENERATE_HINT)
    if response.status_code in (400, 401, 403):
        hint = "copy the app's API key and secret again; regenerating them invalidates the old ones"
        return fail("X does not know X_CONSUMER_KEY or its secret", hint)
    return fail("X rejects the keys, and does not say which", "copy all four of them again")


def _check_handle(account: Account, handle: str) -> CheckResult:
    username = account.author.username
    if username.lower() == handle.lower():
        return ok(f"the keys belong to @{username}")
    hint = f"set BOT_HANDLE={username}, or {REGENERATE_HINT}"
    return fail(f"the keys belong to @{username}, but the gallery asks users to mention @{handle}", hint)


def _check_permission(level: str) -> CheckResult:
    if level.startswith("read-write"):
        return ok("the keys may read and write")
    if not level:
        return warn("X did not say whether the keys may write", "check the console: the app needs read and write")
    hint = f"switch the app to read and write, then {REGENERATE_HINT}: an older token stays read-only"
    return fail(f"the keys may only {level}", hint)


def _check_profile(account: Account, settings: RateLimitSettings) -> Iterator[CheckResult]:
    author = account.author
    if author.protected:
        yield fail(f"@{author.username} is protected: others cannot see its replies", "switch off 'Protect your posts'")
    cap = VERIFIED_CAP if author.verified else UNVERIFIED_CAP
    kind = "verified" if author.verified else "not verified"
    limit = settings.x_replies_per_day
    if limit and limit > cap:
        message = f"X_REPLIES_PER_DAY={limit}, but the account is {kind}: X stops it at {cap}"
        yield warn(message, f"set X_REPLIES_PER_DAY={cap}, or leave it empty")
    elif not author.verified:
        yield warn(f"the account is not verified: {cap} replies a day", "a verified account has 2,400")
    else:
        yield ok(f"the account is verified: {cap:,} replies a day")
    if OPERATOR_BIO.search(author.description):
        yield ok("the bio names the operator")
    else:
        yield warn("the bio does not name the operator", "X requires it: for example 'A bot, run by @you'")
    hint = "check it yourself: Settings, Your account, Automation"
    yield warn("the X API does not show whether an account is labeled 'Automated'", hint)


def _check_posts(client: XClient, account: Account, watched: frozenset[int]) -> Iterator[CheckResult]:
    """Check that the pinned and the watched posts exist and are the bot's own."""
    if account.pinned_id is None and not watched:
        yield warn("no post is pinned or watched: only mentions are prompts", "threadpaint announce, then pin it")
        return
    ids = sorted(watched | ({account.pinned_id} if account.pinned_id else set()))[:100]
    try:
        result = client.get_posts(ids)
    except (TryLater, GiveUp) as error:
        yield warn(f"the pinned and watched posts cannot be looked up ({error})", "try again in some minutes")
        return
    authors = {post.id: post.author for post in result.posts}
    problems = 0
    for post_id in ids:
        author = authors.get(post_id)
        kind = "the pinned post" if post_id == account.pinned_id else "the watched post"
        if author is None:
            problems += 1
            hint = "remove it from X_WATCHED_POSTS, or pin another"
            yield warn(f"{kind} {post_id} does not exist ({result.unavailable.get(post_id, 'unknown')})", hint)
        elif author.id != account.author.id:
            problems += 1
            yield warn(f"{kind} {post_id} is not the bot's own", "X does not let the bot answer replies to it")
    if not problems:
        yield ok(f"{len(ids)} pinned and watched posts exist and are the bot's own")
