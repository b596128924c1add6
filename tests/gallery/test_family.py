"""The family of a creation: what it was made after, what was made beside it, what came of it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from core.clock import now
from core.database import transaction
from core.models import creations
from core.visibility import conceal
from gallery.creation import family
from gallery.walls.pages import PAGE_SIZE


@pytest.fixture
def remix(engine, wall):
    """Hangs what is made from a creation, counted with it as the worker does."""

    def make(parent_id, **values):
        creation_id = wall.hang(parent_id=parent_id, **values)
        with transaction(engine) as session:
            counted = update(creations).where(creations.c.id == parent_id)
            session.execute(counted.values(remixes=creations.c.remixes + 1))
        return creation_id

    return make


def change(engine, creation_id, **values):
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(**values))


def hide(engine, creation_id):
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(hidden_at=now()))
        conceal(session, creations.c.id == creation_id)


def family_of(client, creation_id):
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 200
    return response.context["family"], response.text


def test_who_has_no_family_has_no_tree(client, wall):
    _, html = family_of(client, wall.hang())
    assert "Its family" not in html


def test_it_leads_up_to_the_root_and_down_to_the_children(client, wall, remix):
    root = wall.hang(prompt="a lighthouse")
    parent = remix(root, prompt="a lighthouse at night", person_id=wall.person("grace", "Grace"))
    own = remix(parent)
    sibling, child = remix(parent), remix(own)
    found, html = family_of(client, own)
    assert [one.id for one in found.ancestors] == [root, parent]
    assert [one.id for one in found.siblings] == [sibling]
    assert [one.id for one in found.children] == [child]
    tree = html[html.index("family__tree") :]
    for one in (root, parent, sibling, child):
        assert f'href="/c/{one}"' in tree
    assert f'href="/c/{own}"' not in tree
    assert tree.count('aria-current="true"') == 1
    assert 'alt="a lighthouse at night – prompted by Grace"' in tree


def test_the_tree_is_seen_from_both_sides(client, wall, remix):
    parent = wall.hang()
    child = remix(parent)
    assert f'href="/c/{child}"' in family_of(client, parent)[1]
    assert f'href="/c/{parent}"' in family_of(client, child)[1]


def test_it_is_bounded_however_long_the_line_is(client, wall, remix):
    line = [wall.hang()]
    for _ in range(family.MOST_ANCESTORS + 3):
        line.append(remix(line[-1]))
    found, html = family_of(client, line[-1])
    assert [one.id for one in found.ancestors] == line[-1 - family.MOST_ANCESTORS : -1]
    assert f'href="/c/{found.ancestors[0].id}">Farther back' in html
    whole, _ = family_of(client, line[family.MOST_ANCESTORS])
    assert (len(whole.ancestors), whole.goes_on) == (family.MOST_ANCESTORS, False)


def test_many_children_and_siblings_are_behind_a_link(client, wall, remix):
    parent = wall.hang()
    children = [remix(parent) for _ in range(family.MOST_ON_A_LEVEL + 3)]
    found, html = family_of(client, parent)
    assert [one.id for one in found.children] == children[: -family.MOST_ON_A_LEVEL - 1 : -1]
    assert f'href="/c/{parent}/family">3 more' in html
    found, html = family_of(client, children[0])
    assert f'href="/c/{children[0]}/family?of=siblings">2 more' in html
    assert children[0] not in [one.id for one in found.siblings]


def test_what_is_hidden_or_deleted_is_an_empty_frame_that_holds_its_place(client, engine, wall, remix):
    root = wall.hang(prompt="the root")
    middle = remix(root, prompt="secret words", person_id=wall.person("mallory", "Mallory"))
    leaf = remix(middle)
    hide(engine, middle)
    found, html = family_of(client, leaf)
    assert [(one.id, one.person is None) for one in found.ancestors] == [(root, False), (middle, True)]
    assert "secret words" not in html
    assert "mallory" not in html.lower()
    assert f'href="/c/{middle}"' not in html
    from_above, html = family_of(client, root)
    assert [one.id for one in from_above.children] == [middle]
    assert f'href="/c/{leaf}"' in html
    assert "secret words" not in html


def test_a_hidden_child_of_which_nothing_came_is_not_told_of(client, engine, wall, remix):
    parent = wall.hang()
    hide(engine, remix(parent))
    wall.creation(parent_id=parent, prompt="still waiting")
    found, html = family_of(client, parent)
    assert found.is_alone
    assert "Its family" not in html


def test_of_a_sensitive_relative_no_picture_is_in_the_page(client, wall, remix):
    parent = wall.hang(prompt="a bare tree", sensitive=True)
    html = family_of(client, remix(parent))[1]
    tree = html[html.index("family__tree") :]
    assert f'href="/c/{parent}"' in tree
    assert "a bare tree" not in tree
    assert tree.count("<img") == 1  # of this picture itself


def test_a_circle_which_nobody_can_make_ends_as_well(client, engine, wall, remix):
    one = wall.hang()
    other = remix(one)
    change(engine, one, parent_id=other)
    found, _ = family_of(client, one)
    assert [relative.id for relative in found.ancestors] == [one, other]


def test_it_costs_the_same_whatever_the_size_of_the_family(client, statements, wall, remix):
    root = wall.hang()
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


def test_all_children_hang_on_pages_of_their_own(client, wall, remix):
    parent = wall.hang()
    children = [remix(parent, shown_at=now() + timedelta(seconds=number)) for number in range(PAGE_SIZE + 2)]
    wall.hang()
    first = client.get(f"/c/{parent}/family")
    older = re.search(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(older[1].replace("&amp;", "&"))
    seen = [one.id for response in (first, second) for one in response.context["page"].creations]
    assert seen == children[::-1]


def test_all_siblings_hang_on_pages_of_their_own_also_where_the_parent_is_gone(client, engine, wall, remix):
    parent = wall.hang()
    siblings = [remix(parent, shown_at=now() + timedelta(seconds=number)) for number in range(PAGE_SIZE + 2)]
    hide(engine, parent)
    first = client.get(f"/c/{siblings[0]}/family?of=siblings")
    older = re.search(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(older[1].replace("&amp;", "&"))
    seen = [one.id for response in (first, second) for one in response.context["page"].creations]
    assert seen == siblings[::-1]
    assert client.get(f"/c/{parent}/family").status_code == 404


def test_a_page_of_a_family_without_members_says_so(client, wall):
    lonely = wall.hang()
    for query in ("", "?of=siblings"):
        assert "Nothing was made from it yet." in client.get(f"/c/{lonely}/family{query}").text
    assert client.get(f"/c/{lonely}/family?cursor=nonsense").status_code == 422
    assert client.get("/c/999/family").status_code == 404
