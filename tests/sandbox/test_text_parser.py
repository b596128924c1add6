"""Texts are split into links, mentions, tags and plain text."""

from sandbox import text_parser


def test_handles_and_tags_inside_a_link_belong_to_the_link() -> None:
    found = text_parser.parse_pieces("see https://example.com/@mira#sea and @mira #sea")
    assert [(piece.kind, piece.raw) for piece in found if piece.kind != "text"] == [
        ("link", "https://example.com/@mira#sea"),
        ("mention", "@mira"),
        ("hashtag", "#sea"),
    ]


def test_joined_pieces_are_the_text() -> None:
    text = "RT @mira: これはexample.jpです #sea https://t.co/abc?x=1 $SEA me@example.com ..."
    assert "".join(piece.raw for piece in text_parser.parse_pieces(text)) == text
