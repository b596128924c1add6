"""Compare a remix with its parent: both pictures, the words that changed, and their summary in the remix tree."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import Creation, creations
from gallery.views.prompt_diff import DiffPart, diff_prompts, summarize_changes
from tests.support.browser import window
from tests.support.composer import Member, ada, member, rows, shop
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context
from tests.support.site_client import Serve, SiteClient

__all__ = ["ada", "member", "rows", "shop"]


@pytest.fixture
def remix(engine: Engine, gallery_data: GalleryData) -> Callable[..., int]:
    """Publish remixes of a creation and count them, as the worker does."""

    def make(parent_id: int, **values: Any) -> int:
        creation_id = gallery_data.publish(parent_id=parent_id, **values)
        with write_session(engine) as session:
            counted = update(creations).where(creations.c.id == parent_id)
            session.execute(counted.values(remixes=creations.c.remixes + 1))
        return creation_id

    return make


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("a lighthouse", "a lighthouse at night", ["+ at night"]),
        ("a fox in the snow, at dawn", "A fox in the rain, at dawn", ["- snow", "+ rain"]),
        ("قلعة في الصحراء", "قلعة في الصحراء، ليلا", ["+ ليلا"]),
        ("赤い灯台と海", "青い灯台と海", ["- 赤", "+ 青"]),
        ("a, b, c", "a, c", ["- b"]),
        ("a cat", "two dogs and a bird", []),
        ("a cat", "a cat", []),
    ],
)
def test_changed_words_are_found_in_any_script(before: str, after: str, changes: list[str]) -> None:
    parts = summarize_changes(before, after)
    assert [f"{'+' if part.kind == 'added' else '-'} {part.text}" for part in parts] == changes


def test_both_prompts_can_be_read_from_the_difference() -> None:
    before, after = "a red  boat, on a lake", "a blue boat on a lake, at night"
    parts = diff_prompts(before, after)
    assert "".join(text for kind, text in parts if kind != "removed") == after
    assert DiffPart("removed", " red") in parts


def test_page_shows_both_pictures_and_what_changed(
    client: SiteClient, gallery_data: GalleryData, remix: Callable[..., int]
) -> None:
    parent = gallery_data.publish(prompt="a boat", style="ink", person_id=gallery_data.person("grace"))
    chosen = gallery_data.picture(parent, 1, "plum")
    child = remix(parent, prompt="a boat at night", style="oil", init_image_key=chosen)
    answer = client.get(f"/c/{child}/compare")
    shown = page_context(answer)
    assert (shown["before"].key, shown["after"].url in answer.text) == (chosen, True)
    assert "<ins> at night</ins>" in answer.text
    assert [(each.label, each.before, each.after) for each in shown["options"]] == [("Style", "ink", "oil")]
    assert f'href="/c/{child}/compare"' in client.get(f"/c/{child}").text


def test_each_picture_of_a_remix_can_be_compared(
    client: SiteClient, gallery_data: GalleryData, remix: Callable[..., int]
) -> None:
    child = remix(gallery_data.publish(prompt="a boat"), pictures=2)
    for asked, shown in (("", 1), ("2", 2), ("9", 2), ("x", 1)):
        assert page_context(client.get(f"/c/{child}/compare?picture={asked}"))["number"] == shown


def test_nothing_is_compared_with_what_is_hidden(
    client: SiteClient, engine: Engine, gallery_data: GalleryData, remix: Callable[..., int]
) -> None:
    parent = gallery_data.publish(prompt="secret words")
    child = remix(parent, prompt="secret words at night")
    assert client.get(f"/c/{parent}/compare").status_code == 404
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == parent).values(sensitive=True))
    gated = client.get(f"/c/{child}/compare").text
    assert "may be sensitive" in gated and "compare__picture" not in gated
    assert "compare__picture" in client.get(f"/c/{child}/compare?show=1").text
    with write_session(engine) as session:
        hidden = {"published_at": None, "hidden_at": now()}
        session.execute(update(creations).where(creations.c.id == parent).values(**hidden))
    assert client.get(f"/c/{child}/compare").status_code == 404
    assert "/compare" not in client.get(f"/c/{child}").text


def test_tree_counts_all_descendants_and_says_what_changed(
    client: SiteClient, gallery_data: GalleryData, remix: Callable[..., int]
) -> None:
    chain = [gallery_data.publish(prompt="a boat")]
    for words in (" at night", " in the rain", " from above"):
        chain.append(remix(chain[-1], prompt="a boat" + words))
    first = page_context(client.get(f"/c/{chain[0]}"))["tree"]
    assert first.descendants == 3
    assert [part.text for part in first.children[0].changes] == ["at night"]
    assert "3 remixes in all, 1 remix of this picture itself" in client.get(f"/c/{chain[0]}").text
    last = page_context(client.get(f"/c/{chain[-1]}"))["tree"]
    assert [[part.text for part in node.changes] for node in last.ancestors] == [
        [],
        ["at night"],
        ["at night", "in the rain"],
    ]
    assert [part.text for part in last.changes] == ["in the rain", "from above"]


def test_count_of_descendants_ends(
    client: SiteClient,
    engine: Engine,
    gallery_data: GalleryData,
    remix: Callable[..., int],
) -> None:
    root = gallery_data.publish()
    child = remix(root)
    remix(child)
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == root).values(parent_id=child))
    assert page_context(client.get(f"/c/{root}"))["tree"].descendants == 3, "a cycle is counted once"


def test_vary_makes_four_pictures_of_the_same_prompt(
    ada: Member, gallery_data: GalleryData, rows: Callable[[], list[Creation]]
) -> None:
    parent = gallery_data.publish(prompt="a boat", person_id=gallery_data.person("grace"))
    assert ">Vary</button>" in ada.client.get(f"/c/{parent}").text
    ada.rerun(parent, count="4", idempotency_key="k")
    ada.rerun(parent, idempotency_key="k")
    assert [(row.prompt, row.count, row.parent_id) for row in rows()[1:]] == [
        ("a boat", 4, parent),
        ("a boat", 1, parent),
    ]
    assert ada.rerun(parent, count="5").status_code == 422


@pytest.mark.browser
@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_slider_moves_the_border_between_the_pictures(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    remix: Callable[..., int],
    java_script_enabled: bool,
) -> None:
    child = remix(gallery_data.publish(prompt="a boat"), prompt="a boat at night", color="navy")
    context = window(browser, serve_in_browser(site()), java_script_enabled=java_script_enabled)
    page = context.new_page()
    page.goto(f"/c/{child}/compare")
    before, after = (picture.bounding_box() for picture in page.locator(".compare__picture").all())
    if not java_script_enabled:
        assert before != after, "side by side"
        return
    assert before == after, "one over the other"
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("Home")
    expect(page.locator("[data-compare]")).to_have_attribute("style", "--share: 0%;")
    slider.press("ArrowRight")
    expect(page.locator("[data-compare]")).to_have_attribute("style", "--share: 1%;")
