"""The bot's commands. `python -m bot` and `threadpaint` both offer them.

Heavy imports stay inside functions, so that `--help` starts fast.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.common import AsJson, open_current_database, print_json, print_lines

if TYPE_CHECKING:
    from bot.moderation import UserSummary

Handle = Annotated[str, typer.Argument(help="@handle, or the id on X.")]
Once = Annotated[bool, typer.Option("--once", help="Poll once and exit.")]


def poll(once: Once = False) -> None:
    """Poll X for mentions and replies until stopped, and queue their pictures."""
    from bot.factory import build_poller, poll_once, stopped_by_signals

    poller = build_poller()
    if once:
        typer.echo(f"{poll_once(poller)} new")
    else:
        poller.run_forever(stopped_by_signals())


def ban(
    handle: Handle,
    reason: Annotated[str, typer.Option(help="Shown in the list of users.")] = "",
    hide: Annotated[bool, typer.Option("--hide", help="Also hide the user's creations.")] = False,
) -> None:
    """Ban a user: ignore their posts and refuse their sign-in. Their pictures stay, unless --hide.

    A handle that is unknown here is looked up on X ($0.010). An id is taken as it is."""
    from bot import moderation
    from core.x.operator_client import open_user_lookup

    engine = open_current_database()
    user = moderation.ban(engine, handle, reason=reason, hide=hide, look_up=open_user_lookup(engine))
    typer.echo(f"banned: {user.display_name}")
    typer.echo(_describe_creations(user))


def unban(handle: Handle) -> None:
    """Remove a ban, and show again what only the ban hid."""
    from bot import moderation
    from core.x.operator_client import open_user_lookup

    engine = open_current_database()
    typer.echo(f"not banned any more: {moderation.unban(engine, handle, open_user_lookup(engine)).label}")


def users(
    banned: Annotated[bool, typer.Option("--banned", help="Only banned users, the latest ban first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List users, the latest active first, with their creations and bans."""
    from bot.moderation import list_users

    users_found = list_users(open_current_database(), only_banned=banned, limit=limit)
    if as_json:
        return print_json([user.as_json() for user in users_found])
    print_lines(str(user) for user in users_found)
    if not users_found:
        typer.echo("no user is banned" if banned else "no users yet")
    return None


def _describe_creations(user: "UserSummary") -> str:
    """Say what the ban means for the gallery."""
    if user.hides:
        return f"{user.creations} of their creations are hidden until: threadpaint user unban {user.id}"
    if not user.shown:
        return "the gallery shows none of their creations"
    return f"{user.shown} of their creations stay in the gallery; to hide them: threadpaint user ban {user.id} --hide"


def doctor(as_json: AsJson = False) -> None:
    """Check settings, X account, GPU service and gallery before going live. Exit with 1 if a check fails."""
    from bot.doctor.runner import run_checks
    from core.logs import configure_logs

    configure_logs(level="error")
    results = []
    for result in run_checks():
        results.append(result)
        if not as_json:
            typer.echo(str(result))
    if as_json:
        print_json([result.as_json() for result in results])
    sys.exit(1 if any(result.level == "FAIL" for result in results) else 0)


def forecast(
    per_day: Annotated[int, typer.Option(min=0, max=1_000_000, help="Answered prompts a day.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Forecast the monthly costs of so many answered prompts a day: X, GPU, look-ups, idle time and disk."""
    from bot.cost_report import forecast_as_json, render_forecast
    from core.budget.forecast import average_picture_bytes, forecast_costs, measure_costs
    from core.clock import now
    from core.errors import ThreadpaintError
    from core.settings import BudgetSettings, PurgeSettings, XSettings, load

    engine, money = open_current_database(), load(BudgetSettings)
    try:
        costs = forecast_costs(money, load(XSettings), load(PurgeSettings), measure_costs(engine, now()))
    except ValueError as error:
        raise ThreadpaintError(str(error)) from None
    data = forecast_as_json(costs, money, per_day, average_picture_bytes(engine))
    if as_json:
        return print_json(data)
    return print_lines(render_forecast(data))


def restore() -> None:
    """After restoring a backup, read the bot's posts since then and mark what was answered. Replies wait for it."""
    from bot.factory import build_client
    from bot.reply_reconciliation import reconcile
    from core.errors import ThreadpaintError
    from core.reply_gate import ReplyGate, close

    try:
        x, dispatcher = build_client()
        close(dispatcher.engine, "a backup was restored")
        result = reconcile(x, ReplyGate(dispatcher.engine, dispatcher.rate_limiter), x.get_my_id())
    except ThreadpaintError as error:
        raise ThreadpaintError(f"{error}; replies wait, and the poller tries again") from error
    typer.echo(f"{result.replies} unknown replies: {result.marked} marked, {result.stored} stored for unread posts")


def announce(
    template: Annotated[Path | None, typer.Option(help="Text of the thread, parts separated by `---` lines.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the thread; post nothing.")] = False,
    with_link: Annotated[
        bool, typer.Option("--with-link", help="Include the gallery's address: $0.20 for a post.")
    ] = False,
) -> None:
    """Post the rules thread, once. Replies to it are prompts."""
    from bot import announce_cli
    from bot.announcement import TEMPLATE, AnnouncementThread
    from bot.factory import build_client

    thread = announce_cli.load_thread(template or TEMPLATE, with_link=with_link)
    print_lines(announce_cli.preview(thread))
    if not dry_run:
        x, dispatcher = build_client()
        print_lines(announce_cli.publish(AnnouncementThread(x, dispatcher.engine), thread))
