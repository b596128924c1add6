"""Jinja's templates, with a quicker way from a value to the page: plain text is left as it is.

Jinja makes a `Markup` of each value only to join them all: a page of cards has a thousand, and that took a quarter of
its time. What is escaped, and how, stays MarkupSafe's. Knows no template and no page.
"""

import re
from collections import ChainMap
from collections.abc import Callable, MutableMapping
from typing import Any

import markupsafe
from jinja2 import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.nodes import Expr
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

INLINE = re.compile(r'{% inline "([\w.]+)" %}')
# What `escape` itself is made of: text in, text out. A MarkupSafe that has it no more costs time, and nothing else.
_escape_text: Callable[[str], str] = getattr(markupsafe, "_escape_inner", escape)


def escaped(value: Any) -> Any:
    """A value as it may stand in a page. The same as `markupsafe.escape`, as text alone."""
    kind = type(value)
    # Of an exact type, as MarkupSafe asks itself: a proxy may say that it is something else.
    if kind is str:
        return _escape_text(value)
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


class Inlined(Extension):
    """`{% inline "x.html" %}`: the text of x.html stands there as if it were written there.

    A call of a macro costs as much as drawing five values, an include far more.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template with what it inlines."""
        return INLINE.sub(lambda found: self._text(found[1]), source)

    def _text(self, name: str) -> str:
        loader = self.environment.loader
        assert loader is not None, "only templates with a loader inline others"  # noqa: S101
        source, _, _ = loader.get_source(self.environment, name)
        return self.preprocess(source, name).rstrip("\n")


class Called(Context):
    """Calls a macro without first asking what it wants to be given: macros want nothing, and a page has hundreds."""

    def call(self, called: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        """Call what a template calls."""
        if type(called) is not Macro:
            return super().call(called, *args, **named)
        # Jinja's own, for those who want a context.
        named.pop("_loop_vars", None)
        named.pop("_block_vars", None)
        return called(*args, **named)


class Templates(Environment):
    """All templates share one plain dict of names, too: to look through two for each import took a tenth of a page."""

    code_generator_class = Writer
    context_class = Called
    escaped = staticmethod(escaped)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names that a template knows: its own `d` before those of all."""
        return ChainMap(d, self.globals) if d else self.globals
