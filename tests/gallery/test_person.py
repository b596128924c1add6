"""A person's page."""

from core.clock import now
from core.database import transaction
from core.people import record_people
from core.x import Author
from gallery import queries
from gallery.social.follows import follow
from gallery.social.likes import like
from gallery.social.people import PAGE_SIZE


def prompts(response):
    return [creation.prompt for creation in response.context["page"].creations]


def test_it_hangs_only_the_persons_own_creations(client, wall):
    wall.hang(prompt="ada's", person_id=wall.person("ada"))
    wall.hang(prompt="grace's", person_id=wall.person("grace"))
    response = client.get("/@ada")
    assert response.template.name == "person.html"
    assert prompts(response) == ["ada's"]
    assert "1 creation<" in response.text


def test_the_handle_is_found_in_large_and_small_letters(client, wall):
    wall.hang(person_id=wall.person("Ada_L", "Ada Lovelace"))
    for handle in ("ada_l", "ADA_L", "Ada_L"):
        response = client.get(f"/@{handle}")
        assert response.status_code == 200
        assert "Ada Lovelace</h1>" in response.text
        assert "@Ada_L" in response.text


def test_a_handle_that_changed_hands_leads_to_who_has_it_now(client, wall, engine):
    wall.hang(prompt="the old owner's", person_id=wall.person("ada", "Earlier", id=111))
    with transaction(engine) as session:
        record_people(session, [Author(222, "Ada", "Later")])
    assert client.get("/@ada").context["person"].name == "Later"
    assert prompts(client.get("/@111")) == ["the old owner's"]


def test_a_handle_of_digits_is_told_from_an_id(client, wall):
    wall.person("12345", "Without a handle", id=12345)
    wall.person("12345", "Of digits", id=222, handle_seen_at=now())
    assert client.get("/@12345").context["person"].name == "Of digits"


def test_it_goes_on_to_older_pictures(client, wall):
    for number in range(PAGE_SIZE + 3):
        wall.hang(prompt=str(number), pictures=0)
    first = client.get("/@ada")
    older = first.context["page"].older
    assert f'href="/@ada?cursor={older}"' in first.text
    assert prompts(client.get("/@ada", params={"cursor": older})) == ["2", "1", "0"]


def test_totals_count_what_is_visible_and_stop_counting_at_a_limit(client, wall, monkeypatch):
    for _ in range(4):
        wall.hang(pictures=0)
    wall.hang(shown_at=None)
    assert client.get("/@ada").context["total"] == "4 creations"
    monkeypatch.setattr(queries, "TOTAL_LIMIT", 3)
    assert client.get("/@ada").context["total"] == "more than 3 creations"


def test_a_person_without_creations_has_a_page_that_says_how_to_ask(client, wall):
    wall.person("ada")
    response = client.get("/@ada")
    assert response.status_code == 200
    assert "Nothing hangs here yet." in response.text


def test_a_person_without_a_name_is_called_by_the_handle(client, wall):
    wall.hang(person_id=wall.person("ada", "  "))
    assert '<h1 class="person__name" dir="auto">ada</h1>' in client.get("/@ada").text
    assert "<bdi>ada</bdi>" in client.get("/").text


def test_whom_we_never_met_is_not_found(client):
    for handle in ("nobody", "%00", "%F0%9F%8E%A8", "a" * 3000, "ada%2Fadmin"):
        response = client.get(f"/@{handle}")
        assert response.status_code == 404
        assert response.template.name == "problem.html"


def test_it_links_to_the_person_on_x(client, wall):
    wall.person("Ada_L")
    assert 'href="https://x.com/Ada_L"' in client.get("/@ada_l").text


def test_totals_tell_of_likes_followers_and_whom_they_follow(client, wall, engine):
    ada, grace = wall.person("ada"), wall.person("grace", "Grace")
    for likes in (2, 3):
        wall.hang(person_id=ada, likes=likes, pictures=0)
    wall.hang(person_id=ada, likes=50, shown_at=None)
    follow(engine, grace, ada)
    page = client.get("/@ada").text
    for words in ("2 creations<", "5 likes received<", "1 follower<", "follows 0<"):
        assert words in page
    assert "follows 1<" in client.get("/@grace").text


def test_who_has_very_many_creations_is_shown_without_a_sum_of_likes(client, wall, monkeypatch):
    monkeypatch.setattr(queries, "TOTAL_LIMIT", 1)
    for _ in range(2):
        wall.hang(pictures=0, likes=1)
    assert "likes received" not in client.get("/@ada").text


def test_hearts_show_what_the_visitor_likes(client, sign_in, wall, engine):
    first, second = wall.hang(), wall.hang()
    bob = wall.person("bob")
    sign_in(client, bob)
    like(engine, bob, first)
    page = client.get("/@ada").text
    assert f'formaction="/c/{first}/unlike" aria-pressed="true"' in page
    assert f'formaction="/c/{second}/like" aria-pressed="false"' in page


def test_ones_own_page_says_so_and_nobody_elses_does(client, sign_in, wall):
    sign_in(client, wall.person("ada"))
    wall.person("grace", "Grace")
    assert "This is you." in client.get("/@ada").text
    assert "/follow" not in client.get("/@ada").text.partition("<main")[2].partition("person__totals")[0]
    assert "This is you." not in client.get("/@grace").text


def test_it_names_its_feed(client, wall):
    wall.hang()
    page = client.get("/@ada").text
    assert page.count('href="/@ada/feed.atom"') >= 2
    assert client.get("/@ada/feed.atom").status_code == 200


def test_whom_x_hides_has_no_page_of_any_kind(client, wall):
    wall.hang(person_id=wall.person("eve", hidden_at=now()))
    for path in ("/@eve", "/@eve/likes", "/@eve/followers", "/@eve/following"):
        assert client.get(path).status_code == 404


def test_a_page_costs_as_many_questions_with_one_picture_as_with_many(client, sign_in, wall, statements):
    def asked():
        statements.clear()
        client.get("/@ada")
        return len(statements)

    sign_in(client, wall.person("bob"))
    wall.hang()
    few = asked()
    for _ in range(12):
        wall.hang()
    assert asked() == few
