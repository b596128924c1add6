"""What becomes a link in a text: X's own conformance cases, and texts made to hurt whoever looks for links."""

import time

import pytest
import yaml

from sandbox import texts
from sandbox.links import links_in

SECTIONS = {"urls": 91, "tco_urls_with_params": 5, "urls_with_indices": 10, "urls_with_directional_markers": 2}
LONG = 25_000


@pytest.mark.parametrize("section", SECTIONS)
def test_every_case_of_x_is_read_as_x_reads_it(material, section):
    file = material("x-twitter-text-conformance") / "conformance" / "extract.yml"
    cases = yaml.safe_load(file.read_text("utf-8"))["tests"][section]
    assert len(cases) >= SECTIONS[section]
    for case in cases:
        spans = links_in(case["text"])
        words = [case["text"][start:end] for start, end in spans]
        with_places = [{"url": case["text"][start:end], "indices": [start, end]} for start, end in spans]
        assert case["expected"] in (words, with_places), case["description"]


@pytest.mark.parametrize(
    "text, links",
    [
        ("see example.com, now", ["example.com"]),
        ("see example.com/a_(b)?c=d!", ["example.com/a_(b)?c=d"]),
        ("これはexample.comです", ["example.com"]),
        ("https://例え.みんな/a", ["https://例え.みんな/a"]),
        ("例え.みんな", []),
        ("me@example.com", []),
        ("@example.com #example.com $example.com", []),
        ("example.com.", ["example.com"]),
        ("-example.com _example.com ./example.com", []),
        ("example.com1 example.com-a example.com@b", []),
        ("EXAMPLE.COM and Http://Example.Com", ["EXAMPLE.COM", "Http://Example.Com"]),
        ("https://" + "a" * 64 + ".com", []),
        ("example.notanending", []),
    ],
)
def test_bare_domains_are_links_where_x_links_them(text, links):
    assert [text[start:end] for start, end in links_in(text)] == links


@pytest.mark.parametrize(
    "hurting",
    ["a.", "-a", "a_", "a.com.", "海.の.", "http://", "(a)", "example.com ", "http://a.com/((", "。", "@a.b", "a.b@"],
)
def test_no_text_takes_long(hurting):
    began = time.perf_counter()
    links_in((hurting * LONG)[:LONG])
    links_in("http://a.com/" + (hurting * LONG)[:LONG])
    assert time.perf_counter() - began < 2


def test_handles_and_tags_inside_a_link_belong_to_the_link():
    found = texts.pieces("see https://example.com/@mira#sea and @mira #sea")
    assert [(piece.kind, piece.raw) for piece in found if piece.kind != "text"] == [
        ("link", "https://example.com/@mira#sea"),
        ("mention", "@mira"),
        ("hashtag", "#sea"),
    ]


def test_the_pieces_together_are_the_text():
    text = "RT @mira: これはexample.jpです #sea https://t.co/abc?x=1 $SEA me@example.com ..."
    assert "".join(piece.raw for piece in texts.pieces(text)) == text
