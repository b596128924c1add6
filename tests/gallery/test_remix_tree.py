"""The remix tree of a creation: ancestors, siblings and remixes."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import creations
from core.publishing import unpublish
from gallery.queries import remix_tree
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match, page_context


@pytest.fixture
def remix(engine: Engine, gallery_data: GalleryData) -> Any:
    """Publish remixes of a creation and count them, as the worker does."""

    def make(parent_id: int, **values: Any) -> Any:
        creation_id = gallery_data.publish(parent_id=parent_id, **values)
        with write_session(engine) as session:
            counted = update(creations).where(creations.c.id == parent_id)
            session.execute(counted.values(remixes=creations.c.remixes + 1))
        return creation_id

    return make


def change(engine: Engine, creation_id: int, **values: Any) -> None:
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(**values))


def hide(engine: Engine, creation_id: int) -> None:
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(hidden_at=now()))
        unpublish(session, creations.c.id == creation_id)


def load_remix_tree(client: TestClient, creation_id: int) -> Any:
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 200
    return page_context(response)["tree"], response.text


def test_creation_without_relations_has_no_tree(client: TestClient, gallery_data: GalleryData) -> None:
    _, html = load_remix_tree(client, gallery_data.publish())
    assert "Remixes" not in html


def test_tree_shows_ancestors_siblings_and_remixes(client: TestClient, gallery_data: GalleryData, remix: Any) -> None:
    root = gallery_data.publish(prompt="a lighthouse")
    parent = remix(root, prompt="a lighthouse at night", person_id=gallery_data.person("grace", "Grace"))
    own = remix(parent)
    sibling, child = remix(parent), remix(own)
    found, html = load_remix_tree(client, own)
    assert [one.id for one in found.ancestors] == [root, parent]
    assert [one.id for one in found.siblings] == [sibling]
    assert [one.id for one in found.children] == [child]
    tree = html[html.index("remix-tree__list") :]
    for one in (root, parent, sibling, child):
        assert f'href="/c/{one}"' in tree
    assert f'href="/c/{own}"' not in tree
    assert tree.count('aria-current="true"') == 1
    assert 'alt="a lighthouse at night – prompted by Grace"' in tree


def test_tree_is_the_same_from_both_sides(client: TestClient, gallery_data: GalleryData, remix: Any) -> None:
    parent = gallery_data.publish()
    child = remix(parent)
    assert f'href="/c/{child}"' in load_remix_tree(client, parent)[1]
    assert f'href="/c/{parent}"' in load_remix_tree(client, child)[1]


def test_tree_limits_its_ancestors(client: TestClient, gallery_data: GalleryData, remix: Any) -> None:
    line = [gallery_data.publish()]
    for _ in range(remix_tree.MAX_ANCESTORS + 3):
        line.append(remix(line[-1]))
    found, html = load_remix_tree(client, line[-1])
    assert [one.id for one in found.ancestors] == line[-1 - remix_tree.MAX_ANCESTORS : -1]
    assert f'href="/c/{found.ancestors[0].id}">Earlier' in html
    whole, _ = load_remix_tree(client, line[remix_tree.MAX_ANCESTORS])
    assert (len(whole.ancestors), whole.has_more) == (remix_tree.MAX_ANCESTORS, False)


def test_many_remixes_and_siblings_are_behind_a_link(client: TestClient, gallery_data: GalleryData, remix: Any) -> None:
    parent = gallery_data.publish()
    children = [remix(parent) for _ in range(remix_tree.MAX_ON_A_LEVEL + 3)]
    found, html = load_remix_tree(client, parent)
    assert [one.id for one in found.children] == children[: -remix_tree.MAX_ON_A_LEVEL - 1 : -1]
    assert f'href="/c/{parent}/remixes">3 more' in html
    found, html = load_remix_tree(client, children[0])
    assert f'href="/c/{children[0]}/remixes?of=siblings">2 more' in html
    assert children[0] not in [one.id for one in found.siblings]


def test_hidden_or_deleted_node_keeps_its_place(
    client: TestClient, engine: Engine, gallery_data: GalleryData, remix: Any
) -> None:
    root = gallery_data.publish(prompt="the root")
    middle = remix(root, prompt="secret words", person_id=gallery_data.person("mallory", "Mallory"))
    leaf = remix(middle)
    hide(engine, middle)
    found, html = load_remix_tree(client, leaf)
    assert [(one.id, one.person is None) for one in found.ancestors] == [(root, False), (middle, True)]
    assert "secret words" not in html
    assert "mallory" not in html.lower()
    assert f'href="/c/{middle}"' not in html
    from_above, html = load_remix_tree(client, root)
    assert [one.id for one in from_above.children] == [middle]
    assert f'href="/c/{leaf}"' in html
    assert "secret words" not in html


def test_hidden_remix_without_remixes_is_omitted(
    client: TestClient, engine: Engine, gallery_data: GalleryData, remix: Any
) -> None:
    parent = gallery_data.publish()
    hide(engine, remix(parent))
    gallery_data.creation(parent_id=parent, prompt="still waiting")
    found, html = load_remix_tree(client, parent)
    assert found.is_empty
    assert "Remixes" not in html


def test_sensitive_node_shows_no_picture(client: TestClient, gallery_data: GalleryData, remix: Any) -> None:
    parent = gallery_data.publish(prompt="a bare tree", sensitive=True)
    html = load_remix_tree(client, remix(parent))[1]
    tree = html[html.index("remix-tree__list") :]
    assert f'href="/c/{parent}"' in tree
    assert "a bare tree" not in tree
    assert tree.count('<img class="remix-node__thumb"') == 1  # of this picture itself


def test_cycle_of_parents_ends(client: TestClient, engine: Engine, gallery_data: GalleryData, remix: Any) -> None:
    one = gallery_data.publish()
    other = remix(one)
    change(engine, one, parent_id=other)
    found, _ = load_remix_tree(client, one)
    assert [relative.id for relative in found.ancestors] == [one, other]


def test_tree_costs_the_same_statements_whatever_its_size(
    client: TestClient, statements: list[str], gallery_data: GalleryData, remix: Any
) -> None:
    root = gallery_data.publish()
    child = remix(root)
    remix(child)
    remix(root)
    statements.clear()
    client.get(f"/c/{child}")
    small = len(statements)
    for _ in range(20):
        remix(child)
        remix(root)
    statements.clear()
    client.get(f"/c/{child}")
    assert len(statements) == small


def test_remixes_page_lists_all_remixes(client: TestClient, gallery_data: GalleryData, remix: Any) -> None:
    parent = gallery_data.publish()
    children = [remix(parent, published_at=now() + timedelta(seconds=number)) for number in range(PAGE_SIZE + 2)]
    gallery_data.publish()
    first = client.get(f"/c/{parent}/remixes")
    older = find_match(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(older[1].replace("&amp;", "&"))
    seen = [one.id for response in (first, second) for one in page_context(response)["page"].creations]
    assert seen == children[::-1]


def test_remixes_page_lists_siblings_of_a_deleted_parent(
    client: TestClient, engine: Engine, gallery_data: GalleryData, remix: Any
) -> None:
    parent = gallery_data.publish()
    siblings = [remix(parent, published_at=now() + timedelta(seconds=number)) for number in range(PAGE_SIZE + 2)]
    hide(engine, parent)
    first = client.get(f"/c/{siblings[0]}/remixes?of=siblings")
    older = find_match(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(older[1].replace("&amp;", "&"))
    seen = [one.id for response in (first, second) for one in page_context(response)["page"].creations]
    assert seen == siblings[::-1]
    assert client.get(f"/c/{parent}/remixes").status_code == 404


def test_remixes_page_without_remixes_says_so(client: TestClient, gallery_data: GalleryData) -> None:
    lonely = gallery_data.publish()
    for query in ("", "?of=siblings"):
        assert "No remixes yet." in client.get(f"/c/{lonely}/remixes{query}").text
    assert client.get(f"/c/{lonely}/remixes?cursor=nonsense").status_code == 422
    assert client.get("/c/999/remixes").status_code == 404
