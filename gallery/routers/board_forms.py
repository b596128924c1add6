"""The forms of boards."""

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from gallery.queries import boards
from gallery.queries.boards import BOARD_NAME
from gallery.services.boards import BoardDraft, BoardSelection
from gallery.web.forms import Checkbox, FormId, FormModel, parse_form

MAX_IDS = 100


class BoardForm(FormModel):
    """A board's title, description and visibility. `public`: the checkbox of forms with no room for three choices."""

    title: str = ""
    about: str = ""
    public: Checkbox = False
    visibility: str = ""
    idempotency_key: str = ""

    @property
    def draft(self) -> BoardDraft:
        """Return the board as typed."""
        is_public = self.visibility == "public" if self.visibility else self.public
        return BoardDraft(self.title, self.about, is_public, self.visibility == "unlisted")


class RemoveForm(FormModel):
    """The creations to remove from a board, or to add to it."""

    ids: list[FormId] = Field([])

    @property
    def some_ids(self) -> list[int]:
        """Return each id once, at most MAX_IDS."""
        return sorted(set(self.ids[:MAX_IDS]) - {0})


class DeleteForm(FormModel):
    """`confirmed`: whether the board is to be deleted."""

    confirmed: Checkbox = False


class SelectionForm(BoardForm):
    """The boards that are checked, those that were checked when the page was rendered, and a new board.

    `previous_boards`: names with spaces between them.
    """

    creation: FormId = 0
    boards: list[str] = Field([])
    previous_boards: str = ""

    @property
    def has_new_board(self) -> bool:
        """Return whether a new board was named."""
        return bool(self.title.strip())

    @property
    def selection(self) -> BoardSelection:
        """Return only what the member changed: another tab may have changed the rest in the meantime."""
        checked = {name for name in self.boards if BOARD_NAME.fullmatch(name)}
        before = {name for name in self.previous_boards.split() if BOARD_NAME.fullmatch(name)}
        on, off = sorted(checked - before)[: boards.MAX_BOARDS], sorted(before - checked)[: boards.MAX_BOARDS]
        return BoardSelection(
            frozenset(on), frozenset(off), self.draft if self.has_new_board else None, self.idempotency_key
        )


BoardFormDep = Annotated[BoardForm, Depends(parse_form(BoardForm, limit="collect"))]
RemoveFormDep = Annotated[RemoveForm, Depends(parse_form(RemoveForm, limit="collect"))]
LinkFormDep = Annotated[FormModel, Depends(parse_form(FormModel, limit="collect"))]
DeleteFormDep = Annotated[DeleteForm, Depends(parse_form(DeleteForm, limit="collect"))]
SelectionFormDep = Annotated[SelectionForm, Depends(parse_form(SelectionForm, limit="collect"))]
