"""Size of pages and contrast of colors, computed without a browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.storage import FolderStorage
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match

STATIC = Path(__file__).parents[2] / "gallery" / "static"
COLOR = re.compile(r"--(\w+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)")
AA_TEXT, AA_PARTS = 4.5, 3.0
# Text on background. `bg` on `ink` and on `accent`: the main button, and under the pointer.
TEXTS = [("ink", "bg"), ("quiet", "bg"), ("accent", "bg"), ("ink", "surface"), ("quiet", "surface")]
KINDS = (("thumb", "webp"), ("thumb_avif", "avif"), ("wide", "webp"), ("wide_avif", "avif"))


def linear(value: Any) -> Any:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(color: str) -> Any:
    red, green, blue = (linear(int(color[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Any, other: Any) -> Any:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_contrast_in_both_themes(theme: Any) -> None:
    tokens = {name: both[theme] for name, *both in COLOR.findall((STATIC / "gallery.css").read_text())}
    assert set(tokens) >= {"bg", "ink", "quiet", "line", "surface", "accent"}
    for text, ground in TEXTS:
        assert contrast(tokens[text], tokens[ground]) >= AA_TEXT, (text, ground)
    # The edge of a field, and the outline of what has the focus.
    for part in ("quiet", "accent"):
        assert contrast(tokens[part], tokens["bg"]) >= AA_PARTS, part


def test_colors_are_named_only_as_tokens() -> None:
    for path in STATIC.glob("*.css"):
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        if path.name == "gallery.css":
            rules = rules.split("[data-theme", 1)[1]
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\([^)]*\)|hsla?\([^)]*\)", rules) == [], path.name


def test_thirty_cards_with_long_prompts_stay_under_60_kb(
    client: TestClient, gallery_data: GalleryData, storage: FolderStorage
) -> None:
    placeholder = "data:image/webp;base64," + "A" * 140
    for number in range(PAGE_SIZE + 1):
        creation_id = gallery_data.publish(
            prompt=f"{number} " + "a very long prompt " * 100, pictures=0, likes=12, comments=3
        )
        keys: dict[str, Any] = {f"{name}_key": f"{number:02}/{'f' * 30}.{kind}" for name, kind in KINDS}
        sizes: dict[str, Any] = {"wide_width": 960, "wide_height": 960, "width": 1024, "height": 1024}
        gallery_data.picture(creation_id, placeholder=placeholder, **keys, **sizes)
    html = client.get("/").content
    per_card = (
        len(html[html.index(b'<ol class="feed"') : html.index(b"</ol>", html.index(b'<ol class="feed"'))]) / PAGE_SIZE
    )
    assert len(html) + (30 - PAGE_SIZE) * per_card < 60_000


PAGES = (
    *(
        "/",
        "/top",
        "/search?q=castle",
        "/c/1",
        "/c/1/comments",
        "/c/1/likes",
        "/c/1/remixes",
        "/c/1/report",
        "/c/2/compare",
        "/help",
        "/api",
    ),
    *("/@ada", "/@ada/boards", "/@ada/followers", "/sign-in", "/nothing"),
)
OWN_PAGES = (
    *("/following", "/paint", "/paint?remix=1", "/me", "/me/prompts", "/me/boards", "/me/notifications"),
    *("/me/settings", "/b/{board}", "/b/{board}/edit"),
)


def files_of(client: TestClient, path: str) -> list[str]:
    """Return the styles and scripts that a page names."""
    names = re.findall(r'(?:rel="stylesheet" href|src)="/static/[^/]+/([^"]+\.(?:css|js))"', client.get(path).text)
    assert names[0] == "gallery.css", path
    return names


def test_each_page_loads_at_most_30_kb_of_scripts_and_of_styles_gzipped(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    gallery_data.publish(parent_id=gallery_data.publish(prompt="a castle"))
    pages = {f"{path} (stranger)": files_of(client, path) for path in PAGES}
    client.post("/me/boards", data={"token": sign_in(client, gallery_data.person()), "title": "Castles"})
    board = find_match(r'href="/b/([\w-]+)"', client.get("/me/boards").text)[1]
    pages |= {path: files_of(client, path.format(board=board)) for path in (*PAGES, *OWN_PAGES)}
    sizes = {path.name: gzipped_size(client, path.name) for path in STATIC.iterdir() if path.suffix in {".css", ".js"}}
    for kind in ("css", "js"):
        weights = {page: sum(sizes[name] for name in names if name.endswith(kind)) for page, names in pages.items()}
        assert {page: weight for page, weight in weights.items() if weight >= 30_000} == {}
    assert {path.name for path in STATIC.glob("*.css")} <= set().union(*pages.values())


def gzipped_size(client: TestClient, name: str) -> int:
    answer = client.get(f"/static/x/{name}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    return int(answer.headers["content-length"])


def test_each_class_is_styled_in_one_file() -> None:
    """A page that loads both files would mix the styles. print.css comes last on each page, and changes all others."""
    homes: dict[str, set[str]] = {}
    for path in set(STATIC.glob("*.css")) - {STATIC / "gallery.css", STATIC / "print.css"}:
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for name in re.findall(r"^\.([\w-]+) \{", rules, flags=re.M):
            homes.setdefault(name, set()).add(path.name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_first_picture_is_requested_by_the_html(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    html = client.get("/").text
    assert re.search(r'<img class="frame__picture" src="/pictures/[^"]+"[^>]* fetchpriority="high"', html)


def test_pages_are_gzipped_if_accepted(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    client = site(gzip=True)
    for number in range(PAGE_SIZE):
        gallery_data.publish(prompt=str(number))
    plain = client.get("/", headers={"Accept-Encoding": "identity"})
    gzipped = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert gzipped.headers["content-encoding"] == "gzip"
    assert int(gzipped.headers["content-length"]) < len(plain.content) / 3
    assert gzipped.text == plain.text
    assert "Cookie" in gzipped.headers["vary"]
    assert "Accept-Encoding" in gzipped.headers["vary"]


def test_pictures_are_not_gzipped(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    gallery_data.publish()
    client = site(gzip=True)
    url = client.get("/api/creations").json()["items"][0]["pictures"][0]["url"]
    assert "content-encoding" not in client.get(url, headers={"Accept-Encoding": "gzip"}).headers


def test_static_file_is_the_same_gzipped_and_plain(client: TestClient) -> None:
    plain = client.get("/static/x/gallery.css", headers={"Accept-Encoding": "identity"})
    assert plain.content == (STATIC / "gallery.css").read_bytes()
    gzipped = client.get("/static/x/gallery.css", headers={"Accept-Encoding": "gzip"})
    assert gzipped.content == plain.content
