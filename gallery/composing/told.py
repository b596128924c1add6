"""What is told beside the button: how many are left today, how long it will take, what it costs the house.

An estimate each, in words; what nobody knows is left out. Reads only.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from core.clock import now
from core.line.waiting import Wait, about
from core.models import spendings
from core.money.prices import ALT_TEXT, GPU, REPLY, price_list
from core.settings import MoneySettings, RuleSettings
from core.standing import A_DAY, Standing, standings
from gallery.composing.rules import left_today

# So far back it is looked for what a painting costs.
LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Told:
    """How the member stands, and the words."""

    standing: Standing
    left: str
    wait: str = ""
    cost: str = ""
    answer_cost: str = ""

    @property
    def line(self) -> str:
        """All of it in one line."""
        return " · ".join(words for words in (self.left, self.wait, self.cost) if words)


def tell(connection: Connection, person_id: int, rules: RuleSettings, money: MoneySettings) -> Told:
    """What is told this member; the wait is added by whoever knows it."""
    standing = standings(connection, [person_id], now() - A_DAY)[person_id]
    return Told(standing, left_in_words(standing, rules), cost=_cost(connection), answer_cost=_answer_cost(money))


def tell_left(connection: Connection, person_id: int, rules: RuleSettings) -> Told:
    """The short form, for the small composer: only how many are left."""
    standing = standings(connection, [person_id], now() - A_DAY)[person_id]
    return Told(standing, left_in_words(standing, rules))


def left_in_words(standing: Standing, rules: RuleSettings) -> str:
    """`7 of 10 left today`."""
    return f"{left_today(standing, rules):,} of {rules.person_daily_limit:,} left today"


def wait_in_words(wait: Wait | None) -> str:
    """`a few seconds`, or why it has to wait."""
    if wait is None:
        return ""
    if wait.why:
        return f"has to wait: {wait.why}"
    return about(wait.seconds) if wait.seconds is not None else ""


def dollars(micro: float) -> str:
    """`$0.0004`: two digits that say something, however little it is."""
    if micro < 1:
        return "less than $0.000001"
    digits = 2 if micro >= 1_000_000 else max(2, 7 - len(str(round(micro))) + 1 - (micro >= 1e5))
    return f"${micro / 1_000_000:.{min(6, digits)}f}"


def _cost(connection: Connection) -> str:
    """What one painting cost the house lately, on average."""
    since = f"{now() - LATELY:%Y-%m-%d}"
    wanted = select(func.sum(spendings.c.micro_usd), func.sum(spendings.c.count))
    micro, count = connection.execute(wanted.where(spendings.c.day >= since, spendings.c.item == GPU)).one()
    if not count:
        return ""
    return f"costs the house about {dollars(micro / count)}" if micro else "costs the house nothing but power"


def _answer_cost(money: MoneySettings) -> str:
    prices = price_list(money.prices)
    return f"about {dollars(prices[REPLY] + prices[ALT_TEXT])}"
