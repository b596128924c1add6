"""`python -m bot` listens to X until stopped (`--once`: one look). `doctor`, `announce`, `ban`, `bans`: see --help."""

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from bot import bans
from bot.doctor.config import SignSettings
from bot.poller import Poller
from core.clock import now
from core.database import open_database
from core.errors import HouseError
from core.lease import Lease
from core.line import Line
from core.logs import configure_logs
from core.pace import Pace
from core.pace.toll import TollGate
from core.polling import LEASE
from core.private_files import keep_private
from core.queue import open_queue
from core.schema import require_current, wait_until_current
from core.settings import (
    DatabaseSettings,
    HouseSettings,
    KeepSettings,
    MoneySettings,
    PaceSettings,
    PollSettings,
    QueueSettings,
    RuleSettings,
    XSettings,
    load,
    warn_of_misspelt_settings,
)
from core.version import version_text
from core.x import XClient, open_x
from core.x.asking import open_ask

cli = typer.Typer(add_completion=False, help="Hears: reads X, writes down, decides whom to answer.")
Handle = Annotated[str, typer.Argument(help="their handle, or their id on X")]


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Poll once and exit.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Listen to mentions and replies, and ask for their pictures."""
    if version:
        typer.echo(version_text())
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    try:
        poller = _build()
        if once:
            typer.echo(f"{_look_once(poller)} new")
        else:
            poller.listen(_stopped_by_signals())
    except HouseError as error:
        sys.exit(f"bot: {error}")


@cli.command()
def ban(
    who: Handle,
    reason: Annotated[str, typer.Option(help="Why; shown in the list of bans.")] = "",
    hide: Annotated[bool, typer.Option("--hide", help="Also take what they made out of sight.")] = False,
) -> None:
    """Ban a user: ignore their posts, paint nothing for them, let them not sign in. Their pictures stay, unless --hide.

    The user may be unknown here: a handle is looked up on X ($0.010), an id is taken as it is."""
    try:
        engine = _database()
        banned = bans.ban(engine, who, reason=reason, hide=hide, ask=open_ask(engine))
        typer.echo(f"banned: {banned.called}")
        typer.echo(_of_their_pictures(banned))
    except HouseError as error:
        sys.exit(f"bot: {error}")


@cli.command()
def unban(who: Handle) -> None:
    """Take a ban back: listen to the user again, and show what only the ban hid."""
    try:
        engine = _database()
        typer.echo(f"not banned any more: {bans.unban(engine, who, open_ask(engine)).called}")
    except HouseError as error:
        sys.exit(f"bot: {error}")


@cli.command("bans")
def list_bans(as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False) -> None:
    """List who is banned, since when and why."""
    try:
        found = list(bans.bans(_database()))
    except HouseError as error:
        sys.exit(f"bot: {error}")
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found], indent=2))
        return
    for one in found:
        hidden = "  (their pictures are hidden)" if one.hides else ""
        typer.echo(f"{one.banned_at:%Y-%m-%d %H:%M}  {one.called}  {one.reason or 'no reason noted'}{hidden}")
    if not found:
        typer.echo("nobody is banned")


def _of_their_pictures(banned: bans.Banned) -> str:
    """What the ban means for the gallery."""
    if banned.hides:
        return f"{banned.creations} creations of theirs are out of sight until: python -m bot unban {banned.id}"
    if not banned.shown:
        return "the gallery shows nothing of theirs"
    return f"{banned.shown} creations of theirs stay in the gallery; to hide them: python -m bot ban {banned.id} --hide"


@cli.command()
def doctor() -> None:
    """Look at settings, account and house before going live. Ends with 1 where something does not work."""
    from bot.doctor.examination import examine

    configure_logs(level="error")
    worst = "ok"
    for finding in examine():
        typer.echo(str(finding))
        worst = "FAIL" if "FAIL" in (worst, finding.level) else finding.level
    sys.exit(1 if worst == "FAIL" else 0)


@cli.command()
def cost(
    per_day: Annotated[int, typer.Option(min=0, max=1_000_000, help="Answered prompts a day.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Forecast what so many answered prompts a day cost: X, the GPU, looking up posts again, idle time, disk."""
    from bot.cost import as_data, lines
    from core.money.forecast import bytes_per_picture, forecast_costs, measure

    try:
        engine, money = _database(), load(MoneySettings)
        measured = measure(engine, now())
        costs = forecast_costs(money, load(XSettings), load(KeepSettings), measured)
        data = as_data(costs, money, per_day, bytes_per_picture(engine))
    except (HouseError, ValueError) as error:
        sys.exit(f"bot: {error}")
    for line in [json.dumps(data, indent=2)] if as_json else lines(data):
        typer.echo(line)


@cli.command()
def restore() -> None:
    """After restoring a backup: read the bot's own posts since and mark what was answered. Replies wait for it."""
    from bot.reconciling import reconcile
    from core.reply_gate import ReplyGate, close

    try:
        x, house = _client()
        close(house.engine, "a backup was restored")
        found = reconcile(x, ReplyGate(house.engine, house.pace), x.my_id())
    except HouseError as error:
        sys.exit(f"bot: {error}; replies wait, and the poller tries again")
    typer.echo(f"{found.replies} replies that were not known here: {found.marked} marked, {found.kept} kept for posts")


@cli.command()
def announce(
    template: Annotated[Path | None, typer.Option(help="Parts between lines of `---`.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the parts; post nothing.")] = False,
    with_link: Annotated[
        bool, typer.Option("--with-link", help="With the gallery's address: $0.20 for a post.")
    ] = False,
) -> None:
    """Post the rules thread, once. Its replies are prompts."""
    from bot import announcing, thread

    try:
        parts = thread.read(template or announcing.TEMPLATE, with_link=with_link)
        for line in thread.show(parts):
            typer.echo(line)
        if not dry_run:
            x, house = _client()
            for told in thread.post(announcing.Announcement(x, house.engine), parts):
                typer.echo(told)
    except HouseError as error:
        sys.exit(f"bot: {error}")


def _look_once(poller: Poller) -> int:
    """One look, unless a poller is at work: both would read, and pay for, the same."""
    lease = poller.lease
    if lease is None or lease.acquire():
        try:
            return poller.look()
        finally:
            if lease:
                lease.release()
    holder = lease.holder()
    raise HouseError(
        f"another poller listens (pid {holder.pid} on {holder.host})" if holder else "another poller began"
    )


def _build() -> Poller:
    client, line = _client()
    rules, watched, sign = load(RuleSettings), load(XSettings).watched, load(SignSettings)
    called = sign.handle if "bot_handle" in sign.model_fields_set else ""
    lease = Lease(line.engine, LEASE)
    poll, money = load(PollSettings), line.money
    return Poller(client, line.engine, line, poll, rules, money, watched=watched, called=called, lease=lease)


def _client() -> tuple[XClient, Line]:
    """A client of X that is paced and priced, and the line that is paced and priced alike."""
    house, x = load(HouseSettings), load(XSettings)
    keep_private(house.data_dir)
    configure_logs(level=house.log_level, as_json=house.log_json, process="poller")
    warn_of_misspelt_settings()
    engine, queue, money = _awaited_database(), open_queue(load(QueueSettings).url), load(MoneySettings)
    pace = Pace(queue, load(PaceSettings))
    return open_x(x, TollGate(pace, engine, money)), Line(engine, queue, pace, money)


def _awaited_database() -> Engine:
    settings = load(DatabaseSettings)
    engine = open_database(settings.url)
    wait_until_current(engine, settings.database_wait_seconds)
    return engine


def _database() -> Engine:
    engine = open_database(load(DatabaseSettings).url)
    require_current(engine)
    return engine


def _stopped_by_signals() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    cli()
