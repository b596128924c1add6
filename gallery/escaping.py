"""Jinja's templates, with a quicker way from a value to the page: plain text is left as it is.

Jinja makes a `Markup` of each value only to join them all: a page of cards has a thousand, and that took a quarter of
its time. What is escaped, and how, stays MarkupSafe's. Knows no template and no page.
"""

from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

from jinja2 import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from markupsafe import (  # type: ignore[attr-defined]  # `_escape_inner`: what `escape` itself is made of
    Markup,
    _escape_inner,
    escape,
)


def escaped(value: Any) -> Any:
    """A value as it may stand in a page. The same as `markupsafe.escape`, as text alone."""
    kind = type(value)
    # Of an exact type, as MarkupSafe asks itself: a proxy may say that it is something else.
    if kind is str:
        return _escape_inner(value)
    if kind is Markup:
        return value
    return str(value) if kind is int else escape(value)


class Writer(CodeGenerator):
    """Writes templates as Python: with `escaped` where Jinja writes `escape`."""

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(")


class Templates(Environment):
    """All templates share one plain dict of names, too: to look through two for each import took a tenth of a page."""

    code_generator_class = Writer
    escaped = staticmethod(escaped)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names that a template knows: its own `d` before those of all."""
        return ChainMap(d, self.globals) if d else self.globals
