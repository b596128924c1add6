"""A creation's page, in every state."""

import json
import re
from datetime import timedelta
from urllib.parse import unquote

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
@pytest.mark.parametrize("code", ["empty", "too_long", "gpu_down", "gpu_refused", "gpu_unchecked", "unexpected"])
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


@pytest.mark.parametrize("code", ["flagged", "post_gone", "too_long", "gpu_failed"])
def test_words_that_became_no_picture_are_their_authors_alone(client, site, wall, sign_in, code):
    state = State.FAILED if code == "gpu_failed" else State.REFUSED
    ada = wall.person("ada")
    creation_id = wall.creation(prompt="my private words", negative_prompt="fog", state=state, code=code, person_id=ada)
    for path in (f"/c/{creation_id}", f"/api/creations/{creation_id}"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "private words" not in answer.text
        assert "fog" not in answer.text
    own = site()
    sign_in(own, ada)
    assert "my private words" in own.get(f"/c/{creation_id}").text


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


def hidden(wall, **values):
    return wall.hang(hidden_at=now(), shown_at=None, prompt="a secret garden", **values)


def test_what_its_author_hides_is_there_for_them_alone(client, site, wall, sign_in):
    creation_id = hidden(wall)
    other = site()
    sign_in(other, wall.person("grace"))
    for stranger in (site(), other):
        assert stranger.get(f"/c/{creation_id}").status_code == 404
        assert stranger.get(f"/c/{creation_id}/download/1").status_code == 404
        assert stranger.get(f"/api/creations/{creation_id}").status_code == 404
    sign_in(client, wall.person())
    html = client.get(f"/c/{creation_id}").text
    assert "You took this off the wall: only you see it." in html
    assert "a secret garden</h1>" in html
    assert '<meta name="robots" content="noindex">' in html
    assert "og:image" not in html


def test_the_files_of_what_is_hidden_are_served_to_its_author_alone(client, site, wall, sign_in):
    creation_id = hidden(wall)
    other = site()
    sign_in(other, wall.person("grace"))
    sign_in(client, wall.person())
    picture = client.get(f"/c/{creation_id}").context["creation"].pictures[0]
    for address in (picture.url, picture.thumb_url):
        assert site().get(address).status_code == 404
        assert other.get(address).status_code == 404
        response = client.get(address)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "private, no-cache"


def test_what_a_check_held_back_is_not_shown_to_its_author_either(client, wall, sign_in):
    creation_id = wall.hang(pictures=0, shown_at=None)
    key = wall.picture(creation_id, flagged=True)
    sign_in(client, wall.person())
    assert "/pictures/" not in client.get(f"/c/{creation_id}").text
    assert client.get(f"/pictures/{key}").status_code == 404


def test_what_is_deleted_is_gone_for_its_author_too(client, wall, sign_in):
    creation_id = hidden(wall, deleted_at=now())
    sign_in(client, wall.person())
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 410
    assert "a secret garden" not in response.text


def test_a_sensitive_picture_hangs_behind_a_veil_until_one_asks(client, wall):
    creation_id = wall.hang(sensitive=True, pictures=2)
    html = client.get(f"/c/{creation_id}").text
    assert "Marked as sensitive." in html
    for bytes_of_it in ("/pictures/", "data:image", "og:image", "/download/"):
        assert bytes_of_it not in html
    assert f'href="/c/{creation_id}?show=1"' in html
    assert client.get(f"/c/{creation_id}?show=1").text.count('class="frame__picture"') == 2


def test_a_veil_is_not_for_who_asked_for_none_nor_for_the_author(client, site, wall, sign_in):
    creation_id = wall.hang(sensitive=True)
    sign_in(client, wall.person())
    assert 'class="frame__picture"' in client.get(f"/c/{creation_id}").text
    member = site()
    sign_in(member, wall.person("grace", shows_sensitive=True))
    assert 'class="frame__picture"' in member.get(f"/c/{creation_id}").text
    other = site()
    sign_in(other, wall.person("yuki"))
    assert "/pictures/" not in other.get(f"/c/{creation_id}").text


def test_what_only_its_author_can_do_is_offered_to_them_alone(client, site, wall, sign_in):
    creation_id = wall.hang()
    other = site()
    sign_in(other, wall.person("grace"))
    for stranger in (site(), other):
        assert 'action="/me/creations"' not in stranger.get(f"/c/{creation_id}").text
    sign_in(client, wall.person())
    html = client.get(f"/c/{creation_id}").text
    for do in ("hide", "sensitive", "delete"):
        assert f'name="do" value="{do}"' in html
    assert "/report" not in html
    for do in ("unhide", "delete"):
        assert f'name="do" value="{do}"' in client.get(f"/c/{hidden(wall)}").text


def test_a_member_paints_again_with_one_form(client, wall, sign_in):
    creation_id = wall.hang()
    assert "/again" not in client.get(f"/c/{creation_id}").text
    sign_in(client, wall.person("grace"))
    html = client.get(f"/c/{creation_id}").text
    assert f'<form method="post" action="/c/{creation_id}/again">' in html
    assert f'href="/paint?remix={creation_id}"' in html


def test_who_wished_for_what_was_refused_can_change_the_words(client, site, wall, sign_in):
    creation_id = wall.creation(state=State.REFUSED, code="too_long")
    assert "/paint" not in site().get(f"/c/{creation_id}").text
    sign_in(client, wall.person())
    assert f'href="/paint?remix={creation_id}"' in client.get(f"/c/{creation_id}").text


def test_large_copies_hang_where_there_are_any(client, wall):
    creation_id = wall.hang(pictures=0)
    small = wall.hang()
    keys = {f"{name}_key": f"ab/{number * 30}.{ending}" for name, number, ending in COPIES}
    wall.picture(creation_id, wide_width=960, wide_height=640, **keys)
    html = client.get(f"/c/{creation_id}").text
    avif = f"/pictures/{keys['thumb_avif_key']} 48w, /pictures/{keys['wide_avif_key']} 960w"
    assert f'<source type="image/avif" media="(max-resolution: 1.5dppx), (max-width: 40rem)" srcset="{avif}"' in html
    assert f'src="/pictures/{keys["wide_key"]}"' in html
    assert "<source" not in client.get(f"/c/{small}").text


COPIES = (("thumb_avif", "1", "avif"), ("wide", "2", "webp"), ("wide_avif", "3", "avif"))


def test_a_picture_is_taken_along_as_it_is_under_a_name_that_speaks(client, wall):
    creation_id = wall.hang(prompt='a "lighthouse" at night / 夜の灯台', pictures=2)
    picture = client.get(f"/c/{creation_id}").context["creation"].pictures[1]
    response = client.get(f"/c/{creation_id}/download/2")
    assert response.content == client.get(picture.url).content
    assert response.headers["content-type"] == "image/webp"
    words = response.headers["content-disposition"]
    assert words.startswith(f'attachment; filename="a-lighthouse-at-night-threadpaint-{creation_id}-2.webp"; ')
    assert unquote(words.partition("filename*=UTF-8''")[2]) == (
        f"a-lighthouse-at-night-夜の灯台-threadpaint-{creation_id}-2.webp"
    )


@pytest.mark.parametrize("prompt", ["", "...", "🌊" * 300, "x" * 2000, 'a"; filename=b\r\nX: y', "../../etc/passwd"])
def test_no_prompt_makes_a_name_that_breaks_the_header_or_leaves_the_folder(client, wall, prompt):
    creation_id = wall.hang(prompt=prompt)
    words = client.get(f"/c/{creation_id}/download/1").headers["content-disposition"]
    plain = re.fullmatch(r"attachment; filename=\"([\w-]+\.webp)\"; filename\*=UTF-8''[\w%.-]+", words, re.ASCII)
    assert plain
    assert f"threadpaint-{creation_id}.webp" in plain[1]
    assert len(words) < 1000


@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "9" * 5000])
def test_a_picture_that_is_not_there_is_not_found(client, wall, number):
    assert client.get(f"/c/{wall.hang()}/download/{number}").status_code == 404
    assert client.get(f"/c/{wall.creation()}/download/1").status_code == 404


def test_it_is_shared_by_its_whole_address(site, wall):
    creation_id = wall.hang(prompt="tea & <b>biscuits</b>")
    html = site(public_url="https://paint.example").get(f"/c/{creation_id}").text
    wanted = "https://x.com/intent/post?text=tea%20%26%20%3Cb%3Ebiscuits%3C/b%3E&amp;url=https%3A//paint.example/c/"
    assert f'href="{wanted}{creation_id}"' in html


def test_the_page_says_which_options_were_not_taken_as_written(client, wall):
    corrections = [["ar", "7:3", "21:9"], ["n", "9", "4"], ["v", "6", ""], ["?", "", ""], ["picture", "4", "2"]]
    html = client.get(f"/c/{wall.hang(option_corrections=json.dumps(corrections))}").text
    assert "“--ar 7:3” is not an available aspect ratio: the nearest is 21:9." in html
    assert "“--n 9”: a post gets 1 to 4 pictures, so this one got 4." in html
    assert "The option “--v 6” was left out" in html
    assert "An option that the bot does not know was left out." in html
    assert "Picture 4 was asked for. There are 2: the last was taken." in html


def test_a_page_asks_the_same_few_questions_whatever_hangs_on_it(client, wall, sign_in, statements):
    sign_in(client, wall.person("grace"))
    counts = []
    for pictures in (1, 4):
        creation_id = wall.hang(pictures=pictures)
        statements.clear()
        client.get(f"/c/{creation_id}")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 9


def test_without_a_script_a_waiting_page_asks_to_be_looked_at_again_and_with_one_it_listens(client, wall):
    creation_id = wall.creation(created_at=now())
    html = client.get(f"/c/{creation_id}").text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in html
    assert f'data-live="{creation_id}" data-state="queued" data-refresh="3"' in html


def test_a_member_puts_it_on_a_board_from_its_page(client, site, wall, sign_in):
    creation_id = wall.hang()
    assert "/me/boards/collect" not in site().get(f"/c/{creation_id}").text
    sign_in(client, wall.person("grace"))
    html = client.get(f"/c/{creation_id}").text
    assert 'action="/me/boards/collect"' in html
    assert f'name="creation" value="{creation_id}"' in html
