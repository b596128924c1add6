"""Nothing of what is out of sight is told anywhere: every address of the site is looked at, for everybody's eyes.

Out of sight is what its author hides or takes back, what was refused as unsafe, all of whom X or the host hides, boards
for one pair of eyes. Each has a word of its own, which must not come up.
"""

import pytest
from sqlalchemy import select, update
from starlette.routing import Route

from core.clock import now
from core.database import transaction
from core.models import Comment, Kind, State, boards, creations, people, pictures
from core.notifying import notify
from core.visibility import conceal
from gallery.app import PAGES
from gallery.mine import pinning
from gallery.mine.pinning import Draft, Wish
from gallery.social import follows, likes
from tests.gallery.conftest import WITH_DOOR

# As a prompt, a name, a comment, a title; a stranger must read none of them.
SECRETS = ("wordhidden", "wordgone", "wordunsafe", "wordprotected", "wordbanned", "wordboard", "wordwaits")
# What became no picture, or one that a check held back.
SECRETS += ("wordflagged", "wordfailed", "wordpostgone", "wordoptedout", "wordheldback")


@pytest.fixture
def house(wall, engine):
    """A wall on which everything hangs together with what does not."""
    ada, grace = wall.person("ada"), wall.person("grace")
    protected = wall.person("wordprotected", "wordprotected", member_since=now())
    banned = wall.person("wordbanned", "wordbanned", member_since=now())
    root = wall.hang(prompt="a red fox", person_id=grace)
    out = {
        "hidden": wall.hang(prompt="wordhidden fox", person_id=ada, parent_id=root, hidden_at=now()),
        "gone": wall.hang(prompt="wordgone fox", person_id=ada, parent_id=root),
        "protected": wall.hang(prompt="wordprotected fox", person_id=protected, parent_id=root),
    }
    wall.creation(prompt="wordunsafe fox", negative_prompt="wordunsafe", state=State.REFUSED, code="unsafe")
    ended = {"wordflagged": "flagged", "wordpostgone": "post_gone", "wordoptedout": "opted_out"}
    for word, code in ended.items():
        wall.creation(prompt=f"{word} fox", negative_prompt=word, person_id=ada, state=State.REFUSED, code=code)
    wall.creation(prompt="wordfailed fox", person_id=ada, parent_id=root, state=State.FAILED, code="gpu_failed")
    held_back = wall.hang(prompt="wordheldback fox", person_id=ada, shown_at=None, pictures=0)
    wall.picture(held_back, 0, flagged=True)
    wall.creation(prompt="wordwaits fox", person_id=ada, hidden_at=now(), next_attempt_at=now(), state=State.QUEUED)
    wall.creation(prompt="wordprotected waits", person_id=protected, next_attempt_at=now(), state=State.PAINTING)
    wall.hang(prompt="a blue fox", person_id=grace, parent_id=out["hidden"])
    for creation_id in out.values():
        wall.hang(prompt="a fox after it", person_id=grace, parent_id=creation_id)
    with transaction(engine) as session:
        for number, who in enumerate((protected, banned)):
            word = ("wordprotected", "wordbanned")[number]
            comment = Comment(creation_id=root, person_id=who, text=f"{word} says")
            session.add(comment)
            session.flush()
            session.add(Comment(creation_id=root, person_id=grace, text="an answer", parent_id=comment.id))
            notify(session, grace, Kind.COMMENTED, key=f"c{who}", actor_id=who, creation_id=root, comment_id=comment.id)
    for who in (protected, banned):
        likes.like(engine, who, root)
        follows.follow(engine, who, grace)
        follows.follow(engine, grace, who)
        name = pinning.make(engine, who, Draft("wordprotected board" if who == protected else "wordbanned board"), "")
        pinning.collect(engine, who, root, Wish(on=frozenset({name})))
    private = pinning.make(engine, ada, Draft("wordboard", "wordboard", public=False), "")
    public = pinning.make(engine, ada, Draft("Foxes"), "")
    for creation_id in (root, *out.values()):
        pinning.collect(engine, ada, creation_id, Wish(on=frozenset({private, public})))
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == protected).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == banned).values(banned_at=now()))
        session.execute(update(creations).where(creations.c.id == out["gone"]).values(deleted_at=now()))
        conceal(session, creations.c.id.in_(out.values()))


def addresses(engine):
    """Every page of the site, filled in with all that there is."""
    with engine.connect() as connection:
        ids = [str(one) for one in connection.execute(select(creations.c.id)).scalars()]
        names = list(connection.execute(select(boards.c.name)).scalars())
        keys = list(connection.execute(select(pictures.c.key)).scalars())
    fillings = {"{creation_id}": ids, "{handle}": ["ada", "grace", "wordprotected", "wordbanned"], "{name}": names}
    fillings |= {"{comment_id}": ["1", "2", "3"], "{number}": ["1"], "{key:path}": keys, "{version}": ["x"]}
    api = "creations creations?person=ada creations?person=wordprotected top?of=all search?q=fox search?q=wordhidden"
    paths = [f"/api/{path}" for path in api.split()] + [f"/search?q={word}" for word in ("fox", *SECRETS)]
    paths += [f"/c/{one}/report?comment={number}" for one in ids[:1] for number in (1, 3)]
    paths += [f"/oembed?url=http://paint.example/c/{one}" for one in ids]
    paths += [f"/api/creations/{one}{rest}" for one in ids for rest in ("", "/comments", "/remixes")]
    paths += [f"/api/people/{who}{rest}" for who in fillings["{handle}"] for rest in ("", "/creations", "/boards")]
    paths += [f"/api/boards/{name}{rest}" for name in names for rest in ("", "/creations")]
    paths += [f"/c/{one}/family?of=siblings" for one in ids] + ["/top?of=all", "/sitemap/creations-0.xml"]
    for page in PAGES:
        if isinstance(page, Route) and "GET" in (page.methods or ()) and page.path not in {"/live", "/static/{name}"}:
            filled = [page.path]
            for hole, values in fillings.items():
                filled = [path.replace(hole, value) for path in filled for value in (values if hole in path else [""])]
            paths += filled
    return paths


def told(client, path):
    """What an answer tells beyond what was asked."""
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code < 500, path
    asked = [word for word in SECRETS if word in path]
    text = answer.text + str(answer.headers.get("location", ""))
    return [word for word in SECRETS if word in text.lower() and word not in asked]


@pytest.mark.parametrize("who", [None, "grace"])
@pytest.mark.usefixtures("house")
def test_what_is_out_of_sight_is_told_nowhere(site, wall, engine, sign_in, who):
    client = site(settings=WITH_DOOR, public_url="http://paint.example")
    if who:
        sign_in(client, wall.person(who))
    paths = addresses(engine)
    assert {path: words for path in paths if (words := told(client, path))} == {}
    assert len(paths) > 100
    assert "a blue fox" in client.get("/").text
