"""What a page weighs, and whether its colours can be read: by the figures, without a browser."""

import re
from pathlib import Path

import pytest

from gallery.walls.pages import PAGE_SIZE

STATIC = Path(__file__).parents[2] / "gallery" / "static"
COLOUR = re.compile(r"--(\w+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)")
AA_TEXT, AA_PARTS = 4.5, 3.0
# What is read on what. `wall` on `ink` and on `thread`: the main button, and under the pointer.
TEXTS = [("ink", "wall"), ("quiet", "wall"), ("thread", "wall"), ("ink", "bare"), ("quiet", "bare")]
KINDS = (("thumb", "webp"), ("thumb_avif", "avif"), ("wide", "webp"), ("wide_avif", "avif"))


def linear(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour):
    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read_in_both_themes(theme):
    tokens = {name: both[theme] for name, *both in COLOUR.findall((STATIC / "gallery.css").read_text())}
    assert set(tokens) >= {"wall", "ink", "quiet", "line", "bare", "thread"}
    for text, ground in TEXTS:
        assert contrast(tokens[text], tokens[ground]) >= AA_TEXT, (text, ground)
    # The edge of a field, and the outline of what has the focus.
    for part in ("quiet", "thread"):
        assert contrast(tokens[part], tokens["wall"]) >= AA_PARTS, part


def test_no_colour_is_named_outside_the_tokens():
    for path in STATIC.glob("*.css"):
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        if path.name == "gallery.css":
            rules = rules.split("[data-theme", 1)[1]
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\([^)]*\)|hsla?\([^)]*\)", rules) == [], path.name


def test_thirty_cards_of_long_prompts_weigh_less_than_60_kb(client, wall, storage):
    placeholder = "data:image/webp;base64," + "A" * 140
    for number in range(PAGE_SIZE + 1):
        creation_id = wall.hang(prompt=f"{number} " + "a very long prompt " * 100, pictures=0, likes=12, comments=3)
        keys = {f"{name}_key": f"{number:02}/{'f' * 30}.{kind}" for name, kind in KINDS}
        sizes = {"wide_width": 960, "wide_height": 960, "width": 1024, "height": 1024}
        wall.picture(creation_id, placeholder=placeholder, **keys, **sizes)
    html = client.get("/").content
    per_card = (
        len(html[html.index(b'<ol class="wall"') : html.index(b"</ol>", html.index(b'<ol class="wall"'))]) / PAGE_SIZE
    )
    assert len(html) + (30 - PAGE_SIZE) * per_card < 60_000


PAGES = (
    *("/", "/top", "/search?q=castle", "/c/1", "/c/1/comments", "/c/1/likes", "/c/1/family", "/c/1/report", "/api"),
    *("/@ada", "/@ada/boards", "/@ada/followers", "/sign-in", "/nothing"),
)
OWN_PAGES = (
    *("/following", "/paint", "/paint?remix=1", "/me", "/me/prompts", "/me/boards", "/me/notifications"),
    *("/me/settings", "/b/{board}", "/b/{board}/edit"),
)


def styles_of(client, path):
    names = re.findall(r'rel="stylesheet" href="/static/[^/]+/([^"]+)"', client.get(path).text)
    assert names[0] == "gallery.css", path
    return names


def test_no_page_loads_more_than_20_kb_of_styles_even_unpacked(client, wall, sign_in):
    wall.hang(prompt="a castle")
    pages = {f"{path} (stranger)": styles_of(client, path) for path in PAGES}
    client.post("/me/boards", data={"token": sign_in(client, wall.person()), "title": "Castles"})
    board = re.search(r'href="/b/([\w-]+)"', client.get("/me/boards").text)[1]
    pages |= {path: styles_of(client, path.format(board=board)) for path in (*PAGES, *OWN_PAGES)}
    weights = {page: sum((STATIC / name).stat().st_size for name in names) for page, names in pages.items()}
    assert {page: weight for page, weight in weights.items() if weight >= 20_000} == {}
    assert {path.name for path in STATIC.glob("*.css")} == set().union(*pages.values())


def test_no_piece_is_styled_by_two_files():
    """Else a page that loads both mixes them, as comments were once red like the status of one's own pictures."""
    homes = {}
    for path in set(STATIC.glob("*.css")) - {STATIC / "gallery.css"}:
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for name in re.findall(r"^\.([\w-]+) \{", rules, flags=re.M):
            homes.setdefault(name, set()).add(path.name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_the_first_picture_is_asked_for_by_the_html_itself(client, wall):
    wall.hang()
    html = client.get("/").text
    assert re.search(r'<img class="frame__picture" src="/pictures/[^"]+"[^>]* fetchpriority="high"', html)


def test_all_scripts_and_all_styles_are_sent_in_less_than_20_kb_each(client):
    sent = {"css": 0, "js": 0}
    for path in STATIC.iterdir():
        if path.suffix[1:] in sent:
            answer = client.get(f"/static/x/{path.name}", headers={"Accept-Encoding": "gzip"})
            assert answer.headers["content-encoding"] == "gzip"
            sent[path.suffix[1:]] += int(answer.headers["content-length"])
    assert 0 < sent["js"] < 20_000
    assert 0 < sent["css"] < 20_000


def test_pages_are_packed_for_who_takes_that(client, wall):
    for number in range(PAGE_SIZE):
        wall.hang(prompt=str(number))
    plain = client.get("/", headers={"Accept-Encoding": "identity"})
    packed = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.text == plain.text
    assert "Cookie" in packed.headers["vary"]
    assert "Accept-Encoding" in packed.headers["vary"]


def test_pictures_are_not_packed_again(client, wall):
    creation_id = wall.hang()
    url = client.get(f"/c/{creation_id}").context["creation"].pictures[0].url
    assert "content-encoding" not in client.get(url, headers={"Accept-Encoding": "gzip"}).headers


def test_a_static_file_is_the_same_packed_and_plain(client):
    plain = client.get("/static/x/gallery.css", headers={"Accept-Encoding": "identity"})
    assert plain.content == (STATIC / "gallery.css").read_bytes()
    packed = client.get("/static/x/gallery.css", headers={"Accept-Encoding": "gzip"})
    assert packed.content == plain.content
