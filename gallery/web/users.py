"""Describe the current user of a request. `gallery/web/current_user.py` finds them."""

from dataclasses import dataclass

from gallery.views.creations import UserView
from gallery.web.csrf import csrf_token


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """The user of this request. `person` is None if nobody is signed in."""

    person: UserView | None = None
    session_id: int | None = None
    unread: int = 0
    show_sensitive: bool = False
    secret: str = ""
    has_mutes: bool = False

    @property
    def form_token(self) -> str:
        """The CSRF token for a form. It differs each time, so that compressed pages give nothing away (BREACH)."""
        return csrf_token(self.secret) if self.secret else ""

    def owns(self, person_id: int) -> bool:
        """Return whether this user is that person."""
        return self.person is not None and self.person.id == person_id


@dataclass(frozen=True, slots=True)
class Member:
    """A signed-in user."""

    person: UserView
    session_id: int
    user: CurrentUser

    @property
    def id(self) -> int:
        """The user's id on X."""
        return self.person.id


ANONYMOUS = CurrentUser()
