"""What templates write into a page is escaped as MarkupSafe does it."""

import pytest
from markupsafe import Markup, escape

from gallery.escaping import Templates, escaped


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
