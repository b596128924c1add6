"""What templates write into a page is escaped as MarkupSafe does it."""

import subprocess
import sys

import pytest
from jinja2 import DictLoader
from markupsafe import Markup, escape

from gallery.escaping import Inlined, Templates, escaped


class Words(str):
    """A string that is not quite one."""


class Drawn:
    """Something that knows how it looks in a page."""

    def __html__(self):
        return "<b>drawn</b>"


@pytest.mark.parametrize(
    "value",
    ["<script>'\"&</script>", "plain", "", Words("<i>"), Markup("<p>"), Drawn(), 17, -1, True, None, 1.5, ["<"]],
)
def test_values_are_escaped_as_they_always_were(value):
    assert str(escaped(value)) == str(escape(value))


@pytest.mark.parametrize(
    "template",
    [
        "{{ value }}",
        "{% macro one(it) %}{{ it }}{% endmacro %}{{ one(value) }}",
        "{% set kept %}{{ value }}{% endset %}{{ kept }}",
        "{% macro around() %}{{ caller() }}{% endmacro %}{% call around() %}{{ value }}{% endcall %}",
        "{{ 'a' ~ value }}",
        "{{ value|upper }}",
        "{% for one in [value] %}{{ loop.index }}{{ one }}{% endfor %}",
    ],
)
def test_nothing_hostile_gets_through_once_nor_is_escaped_twice(template):
    told = Templates(autoescape=True).from_string(template).render(value="<b>")
    assert "<" not in told
    assert "&lt;b&gt;" in told.lower()


def test_a_markupsafe_without_its_inner_part_is_good_enough():
    script = """
import types, markupsafe
# As if `escape` were made of something else.
markupsafe.escape = types.FunctionType(markupsafe.escape.__code__, dict(vars(markupsafe)))
del markupsafe._escape_inner
from gallery.escaping import Templates, escaped
assert escaped("<b>") == "&lt;b&gt;"
assert Templates(autoescape=True).from_string("{{ it }}{{ it|upper }}").render(it="<b>") == "&lt;b&gt;&lt;B&gt;"
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_is_inlined_is_drawn_as_if_it_stood_there():
    parts = {
        "page": "{% macro card(it) %}[{% inline \"card.html\" %}]{% endmacro %}{{ card('<') }}{{ card(2) }}",
        "card.html": '{{ it }}{% inline "end.html" %}\n',
        "end.html": "{% if it == 2 %}.{% endif %}\n",
    }
    templates = Templates(autoescape=True, loader=DictLoader(parts), extensions=[Inlined])
    assert templates.get_template("page").render() == "[&lt;][2.]"


def test_a_macro_is_called_with_what_a_loop_or_a_block_knows():
    macro, loop = "{% macro one(it) %}<{{ it }}>{% endmacro %}", "{% for i in (1, 2) %}{{ one(i) }}{% endfor %}"
    source = f"{macro}{loop}{{% block b %}}{loop}{{% endblock %}}"
    assert Templates(autoescape=True).from_string(source).render() == "<1><2><1><2>"
