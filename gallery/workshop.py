"""What wishes made in the gallery need: the rules for people, the budget, the line of those who wait, chosen pictures.

Made once by `create_app`; knows no page.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from core.errors import TryLater
from core.settings import MoneySettings, RuleSettings
from core.uploads import Uploads


@dataclass(frozen=True)
class Workshop:
    """`call_up`: calls up who is next in line; may raise TryLater. `prompt_limit`: characters, as on X."""

    uploads: Uploads
    call_up: Callable[[], object] = lambda: None
    rules: RuleSettings = field(default_factory=RuleSettings)
    money: MoneySettings = field(default_factory=MoneySettings)
    prompt_limit: int = 2000

    def tell_the_line(self) -> None:
        """Somebody new waits. Where the queue is away nothing is lost: the sweep finds them."""
        with suppress(TryLater):
            self.call_up()
