"""A creation's page, in every state."""

from datetime import timedelta

import pytest

from core.clock import now
from core.models import State
from core.refusals import NO_CREATION, WORDS
from gallery.settings import GallerySettings


def test_it_shows_the_picture_with_its_museum_label(client, wall):
    creation_id = wall.hang(prompt="a lighthouse", model="stabilityai/sdxl-turbo", seed=7)
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 200
    assert response.template.name == "creation.html"
    for words in ("a lighthouse</h1>", "stabilityai/sdxl-turbo", "96 × 64 pixels", "<dd>7</dd>", "1.2 seconds"):
        assert words in response.text
    assert "sketch engine" not in response.text


def test_it_leads_to_the_person_the_post_and_the_answer(client, wall):
    creation_id = wall.hang(reply_post_id=42)
    html = client.get(f"/c/{creation_id}").text
    assert 'href="/@ada"' in html
    assert 'href="https://x.com/i/status/1890000000000000001"' in html
    assert 'href="https://x.com/i/status/42"' in html


def test_it_links_to_no_posts_where_x_has_no_pages(site, wall):
    creation_id = wall.hang(reply_post_id=42)
    html = site(settings=GallerySettings(_env_file=None, x_web_url="")).get(f"/c/{creation_id}").text
    assert "i/status" not in html


def test_a_sketch_is_called_a_sketch(client, wall):
    assert "without an image model" in client.get(f"/c/{wall.hang(model='sketch')}").text


def test_words_that_the_painter_did_not_read_are_told(client, wall):
    html = client.get(f"/c/{wall.hang(tokens_read=75, tokens_in_all=130)}").text
    assert "This prompt is longer than the painter reads: it saw about the first 58 % of it." in html
    assert "longer than the painter reads" not in client.get(f"/c/{wall.hang()}").text


def test_pictures_that_the_safety_check_held_back_are_told(client, wall):
    html = client.get(f"/c/{wall.hang(count=4, pictures=3)}").text
    assert "The painter&#39;s safety check held back 1 of 4 pictures." in html
    assert "held back" not in client.get(f"/c/{wall.hang(count=4, pictures=4)}").text


def test_the_steps_are_those_that_the_painter_took(client, wall):
    html = client.get(f"/c/{wall.hang(steps=50, painted_steps=8)}").text
    assert "<dt>Steps</dt><dd>8 (50 were wished)</dd>" in html
    assert "<dt>Steps</dt><dd>8</dd>" in client.get(f"/c/{wall.hang(painted_steps=8)}").text
    assert "<dt>Steps</dt><dd>50</dd>" in client.get(f"/c/{wall.hang(steps=50)}").text


def test_what_the_painter_did_not_heed_is_not_claimed_but_told(client, wall):
    html = client.get(f"/c/{wall.hang(negative_prompt='people', ignored='negative_prompt')}").text
    assert "<dt>Without</dt>" not in html
    assert "This painter does not look at what a picture shall be without." in html
    html = client.get(f"/c/{wall.hang(negative_prompt='people')}").text
    assert '<dt>Without</dt><dd dir="auto">people</dd>' in html
    assert "does not look at" not in html
    html = client.get(f"/c/{wall.hang(steps=50, aspect_ratio='16:9', ignored='steps aspect_ratio guidance')}").text
    assert "<dt>Steps</dt>" not in html
    assert "This painter chose the number of steps itself." in html
    assert "This painter knows no such shape and chose its own." in html


def test_it_shows_all_its_pictures_in_order(client, wall):
    creation_id = wall.hang(pictures=4)
    response = client.get(f"/c/{creation_id}")
    assert [picture.seed for picture in response.context["creation"].pictures] == [7, 8, 9, 10]
    assert response.text.count('class="frame__picture"') == 4
    assert "7, 8, 9, 10" in response.text


def test_a_waiting_creation_looks_again_by_itself_without_javascript(client, wall):
    creation_id = wall.creation(created_at=now())
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 200
    assert "Waiting for the painter." in response.text
    assert '<meta http-equiv="refresh" content="3">' in response.text


@pytest.mark.parametrize(("waited", "seconds"), [(timedelta(minutes=10), 15), (timedelta(days=1), 60)])
def test_what_waits_long_looks_again_seldom(client, wall, waited, seconds):
    creation_id = wall.creation(created_at=now() - waited)
    assert client.get(f"/c/{creation_id}").context["refresh"] == seconds


def test_a_creation_on_the_easel_says_so(client, wall):
    assert "Being painted now." in client.get(f"/c/{wall.creation(state=State.PAINTING)}").text


def test_a_creation_tried_in_vain_says_when_it_is_tried_again(client, wall):
    creation_id = wall.creation(attempts=2, code="gpu_busy", next_attempt_at=now() + timedelta(minutes=3))
    assert "The next try is at" in client.get(f"/c/{creation_id}").text


@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED])
@pytest.mark.parametrize("code", ["empty", "too_long", "gpu_down", "unexpected"])
def test_a_refusal_is_told_in_plain_words_and_does_not_look_again(client, wall, state, code):
    response = client.get(f"/c/{wall.creation(state=state, code=code)}")
    assert response.status_code == 200
    assert WORDS[code].replace("'", "&#39;") in response.text
    assert "http-equiv" not in response.text


@pytest.mark.parametrize("code", sorted(NO_CREATION))
def test_what_was_said_to_the_bot_and_is_no_wish_for_a_picture_has_no_page(client, wall, code):
    creation_id = wall.creation(state=State.REFUSED, code=code, prompt="")
    for path in (f"/c/{creation_id}", f"/api/creations/{creation_id}"):
        assert client.get(path).status_code == 404


def test_unsafe_words_are_shown_to_nobody(client, wall):
    creation_id = wall.creation(state=State.REFUSED, code="unsafe", prompt="foul words", negative_prompt="more of it")
    for path in (f"/c/{creation_id}", f"/api/creations/{creation_id}"):
        said = client.get(path).text
        assert WORDS["unsafe"] in said
        assert "foul words" not in said
        assert "more of it" not in said


def test_a_failure_without_a_code_is_explained_too(client, wall):
    assert WORDS["unexpected"] in client.get(f"/c/{wall.creation(state=State.FAILED)}").text


def test_a_picture_that_x_did_not_let_us_answer_with_says_gallery_only(client, wall):
    creation_id = wall.hang(state=State.PAINTED, reply_outcome="x_not_summoned")
    assert WORDS["x_not_summoned"] in client.get(f"/c/{creation_id}").text


@pytest.mark.parametrize("state", [State.PAINTED, State.REPLYING, State.REPLIED])
def test_a_hidden_creation_has_a_page_but_shows_no_picture(client, wall, state):
    response = client.get(f"/c/{wall.hang(state=state, shown_at=None)}")
    assert response.status_code == 200
    assert "This picture is not on the wall." in response.text
    assert "/pictures/" not in response.text


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("prompt", ["", " \n ", "🌊" * 700, "x" * 2000])
def test_no_state_and_no_prompt_breaks_the_page(client, wall, state, prompt):
    assert client.get(f"/c/{wall.creation(state=state, prompt=prompt)}").status_code == 200
    assert client.get(f"/c/{wall.hang(state=state, prompt=prompt)}").status_code == 200


@pytest.mark.parametrize("path", ["/c/999", "/c/0", "/c/99999999999999999999999", "/c/-1", "/c/abc", "/c/1.5", "/c/"])
def test_what_never_was_is_not_found(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.template.name == "problem.html"


def test_a_link_preview_has_an_absolute_picture_where_the_public_address_is_known(site, wall):
    creation_id = wall.hang(prompt="a lighthouse")
    html = site(public_url="https://paint.example/").get(f"/c/{creation_id}").text
    assert '<meta property="og:title" content="a lighthouse">' in html
    assert '<meta property="og:image" content="https://paint.example/pictures/' in html
    assert f'<meta property="og:url" content="https://paint.example/c/{creation_id}">' in html


def test_a_remix_leads_to_the_picture_it_came_from(client, wall):
    parent = wall.hang()
    assert f'href="/c/{parent}"' in client.get(f"/c/{wall.hang(parent_id=parent)}").text
