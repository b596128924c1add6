"""No page shows invisible content: every route is requested by every kind of user.

Out of sight is what its author hides or takes back, what was refused as unsafe, all of whom X or the host hides, boards
for one pair of eyes. Each has a word of its own, which must not come up.
"""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import write_session
from core.models import Comment, NotificationKind, State, boards, creations, people, pictures
from core.notifications import notify
from core.publishing import unpublish
from gallery.services import boards as board_service
from gallery.services import follows, likes
from gallery.services.boards import BoardDraft, BoardSelection
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.site_routes import site_routes

# As a prompt, a name, a comment, a title; a stranger must read none of them.
SECRETS = ["wordhidden", "wordgone", "wordunsafe", "wordprotected", "wordbanned", "wordboard", "wordwaits"]
# What became no picture, or one that a check held back.
SECRETS += ("wordflagged", "wordfailed", "wordpostgone", "wordoptedout", "wordheldback")


@pytest.fixture
def scene(gallery_data: GalleryData, engine: Engine) -> None:
    """Create public and invisible content of every kind."""
    ada, grace = gallery_data.person("ada"), gallery_data.person("grace")
    protected = gallery_data.person("wordprotected", "wordprotected", member_since=now())
    banned = gallery_data.person("wordbanned", "wordbanned", member_since=now())
    root = gallery_data.publish(prompt="a red fox", person_id=grace)
    out = {
        "hidden": gallery_data.publish(prompt="wordhidden fox", person_id=ada, parent_id=root, hidden_at=now()),
        "gone": gallery_data.publish(prompt="wordgone fox", person_id=ada, parent_id=root),
        "protected": gallery_data.publish(prompt="wordprotected fox", person_id=protected, parent_id=root),
    }
    gallery_data.creation(
        prompt="wordunsafe fox", negative_prompt="wordunsafe", state=State.REFUSED, reason_code="unsafe"
    )
    ended = {"wordflagged": "flagged", "wordpostgone": "post_gone", "wordoptedout": "opted_out"}
    for word, code in ended.items():
        gallery_data.creation(
            prompt=f"{word} fox", negative_prompt=word, person_id=ada, state=State.REFUSED, reason_code=code
        )
    gallery_data.creation(
        prompt="wordfailed fox", person_id=ada, parent_id=root, state=State.FAILED, reason_code="gpu_failed"
    )
    held_back = gallery_data.publish(prompt="wordheldback fox", person_id=ada, published_at=None, pictures=0)
    gallery_data.picture(held_back, 0, flagged=True)
    gallery_data.creation(
        prompt="wordwaits fox", person_id=ada, hidden_at=now(), next_attempt_at=now(), state=State.QUEUED
    )
    gallery_data.creation(
        prompt="wordprotected waits", person_id=protected, next_attempt_at=now(), state=State.PAINTING
    )
    gallery_data.publish(prompt="a blue fox", person_id=grace, parent_id=out["hidden"])
    for creation_id in out.values():
        gallery_data.publish(prompt="a fox after it", person_id=grace, parent_id=creation_id)
    with write_session(engine) as session:
        for number, who in enumerate((protected, banned)):
            word = ("wordprotected", "wordbanned")[number]
            comment = Comment(creation_id=root, person_id=who, text=f"{word} says")
            session.add(comment)
            session.flush()
            session.add(Comment(creation_id=root, person_id=grace, text="an answer", parent_id=comment.id))
            notify(
                session,
                grace,
                NotificationKind.COMMENTED,
                key=f"c{who}",
                actor_id=who,
                creation_id=root,
                comment_id=comment.id,
            )
    for who in (protected, banned):
        likes.like(engine, who, root)
        follows.follow(engine, who, grace)
        follows.follow(engine, grace, who)
        name = board_service.create_board(
            engine, who, BoardDraft("wordprotected board" if who == protected else "wordbanned board"), ""
        )
        board_service.set_boards(engine, who, root, BoardSelection(on=frozenset({name})))
    private = board_service.create_board(engine, ada, BoardDraft("wordboard", "wordboard", public=False), "")
    public = board_service.create_board(engine, ada, BoardDraft("Foxes"), "")
    for creation_id in (root, *out.values()):
        board_service.set_boards(engine, ada, creation_id, BoardSelection(on=frozenset({private, public})))
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == protected).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == banned).values(banned_at=now()))
        session.execute(update(creations).where(creations.c.id == out["gone"]).values(deleted_at=now()))
        unpublish(session, creations.c.id.in_(out.values()))


def addresses(engine: Engine) -> Any:
    """Return the paths of every page with all ids and names."""
    with engine.connect() as connection:
        ids = [str(one) for one in connection.execute(select(creations.c.id)).scalars()]
        names = list(connection.execute(select(boards.c.name)).scalars())
        keys = list(connection.execute(select(pictures.c.key)).scalars())
    fillings = {"{creation_id}": ids, "{handle}": ["ada", "grace", "wordprotected", "wordbanned"], "{name}": names}
    fillings |= {"{comment_id}": ["1", "2", "3"], "{number}": ["1"], "{key:path}": keys, "{version}": ["x"]}
    api = (
        "creations creations?person=ada creations?person=wordprotected top?period=all search?q=fox search?q=wordhidden"
    )
    paths = [f"/api/{path}" for path in api.split()] + [f"/search?q={word}" for word in ("fox", *SECRETS)]
    paths += [f"/c/{one}/report?comment={number}" for one in ids[:1] for number in (1, 3)]
    paths += [f"/oembed?url=http://paint.example/c/{one}" for one in ids]
    paths += [f"/api/creations/{one}{rest}" for one in ids for rest in ("", "/comments", "/remixes")]
    paths += [f"/api/people/{who}{rest}" for who in fillings["{handle}"] for rest in ("", "/creations", "/boards")]
    paths += [f"/api/boards/{name}{rest}" for name in names for rest in ("", "/creations")]
    paths += [f"/c/{one}/remixes?of=siblings" for one in ids] + ["/top?period=all", "/sitemap/creations-0.xml"]
    for route in site_routes("GET"):
        if route.path not in {"/live", "/static/{name}"}:
            filled = [route.path]
            for hole, values in fillings.items():
                filled = [path.replace(hole, value) for path in filled for value in (values if hole in path else [""])]
            paths += filled
    return paths


def texts(client: TestClient, path: str) -> Any:
    """Return the secrets in a response, except those in its path."""
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code < 500, path
    asked = [word for word in SECRETS if word in path]
    text = answer.text + str(answer.headers.get("location", ""))
    return [word for word in SECRETS if word in text.lower() and word not in asked]


@pytest.mark.parametrize("who", [None, "grace"])
@pytest.mark.usefixtures("scene")
def test_invisible_content_appears_nowhere(
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    engine: Engine,
    sign_in: Callable[[TestClient, int], str],
    who: Any,
) -> None:
    client = site(settings=SETTINGS_WITH_SIGN_IN, public_url="http://paint.example")
    if who:
        sign_in(client, gallery_data.person(who))
    paths = addresses(engine)
    assert {path: words for path in paths if (words := texts(client, path))} == {}
    assert len(paths) > 100
    assert "a blue fox" in client.get("/").text
