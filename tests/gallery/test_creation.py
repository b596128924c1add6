"""The page of a creation in every state."""

import html
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.clock import now
from core.models import State
from core.reason_codes import COMMAND_CODES, MESSAGES
from gallery.settings import GallerySettings
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context, template_name


def test_page_shows_the_picture_with_its_details(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse", model="stabilityai/sdxl-turbo", seed=7)
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 200
    assert template_name(response) == "creation.html"
    for words in ("a lighthouse</h1>", "stabilityai/sdxl-turbo", "96 × 64 pixels", "<dd>7</dd>", "1.2 seconds"):
        assert words in response.text
    assert "simple sketcher" not in response.text


def test_page_links_to_the_user_the_post_and_the_reply(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(reply_post_id=42)
    html = client.get(f"/c/{creation_id}").text
    assert 'href="/@ada"' in html
    assert 'href="https://x.com/i/status/1890000000000000001"' in html
    assert 'href="https://x.com/i/status/42"' in html


def test_page_links_to_no_posts_without_x_pages(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(reply_post_id=42)
    html = site(settings=GallerySettings(_env_file=None, x_web_url="")).get(f"/c/{creation_id}").text
    assert "i/status" not in html


def test_sketch_is_labeled(client: TestClient, gallery_data: GalleryData) -> None:
    assert (
        "drawn by a simple sketcher, not an AI model" in client.get(f"/c/{gallery_data.publish(model='sketch')}").text
    )


def test_truncated_prompt_is_mentioned(client: TestClient, gallery_data: GalleryData) -> None:
    html = client.get(f"/c/{gallery_data.publish(prompt_tokens_used=75, prompt_tokens_total=130)}").text
    assert "This prompt is longer than the model reads: it used about the first 58 % of it." in html
    assert "longer than the model reads" not in client.get(f"/c/{gallery_data.publish()}").text


def test_flagged_pictures_are_counted(client: TestClient, gallery_data: GalleryData) -> None:
    html = client.get(f"/c/{gallery_data.publish(count=4, pictures=3)}").text
    assert "The safety check held back 1 of 4 pictures." in html
    assert "held back" not in client.get(f"/c/{gallery_data.publish(count=4, pictures=4)}").text


def test_steps_are_those_that_the_model_used(client: TestClient, gallery_data: GalleryData) -> None:
    html = client.get(f"/c/{gallery_data.publish(steps=50, steps_used=8)}").text
    assert "<dt>Steps</dt><dd>8 (you asked for 50)</dd>" in html
    assert "<dt>Steps</dt><dd>8</dd>" in client.get(f"/c/{gallery_data.publish(steps_used=8)}").text
    assert "<dt>Steps</dt><dd>50</dd>" in client.get(f"/c/{gallery_data.publish(steps=50)}").text


def test_ignored_options_are_mentioned(client: TestClient, gallery_data: GalleryData) -> None:
    html = client.get(f"/c/{gallery_data.publish(negative_prompt='people', ignored_options='negative_prompt')}").text
    assert "<dt>Negative prompt</dt>" not in html
    assert "This model ignores negative prompts." in html
    html = client.get(f"/c/{gallery_data.publish(negative_prompt='people')}").text
    assert '<dt>Negative prompt</dt><dd dir="auto">people</dd>' in html
    assert "ignores negative prompts" not in html
    html = client.get(
        f"/c/{gallery_data.publish(steps=50, aspect_ratio='16:9', ignored_options='steps aspect_ratio guidance')}"
    ).text
    assert "<dt>Steps</dt>" not in html
    assert "This model chose the number of steps itself." in html
    assert "This model can&#39;t do that aspect ratio, so it used another." in html


def test_page_shows_all_pictures_in_order(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(pictures=4)
    response = client.get(f"/c/{creation_id}")
    assert [picture.seed for picture in page_context(response)["creation"].pictures] == [7, 8, 9, 10]
    assert response.text.count('class="frame__picture"') == 4
    assert "7, 8, 9, 10" in response.text


def test_waiting_page_reloads_itself_without_scripts(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.creation(created_at=now())
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 200
    assert "In the queue." in response.text
    assert '<meta http-equiv="refresh" content="3">' in response.text


@pytest.mark.parametrize(("waited", "seconds"), [(timedelta(minutes=10), 15), (timedelta(days=1), 60)])
def test_long_wait_reloads_less_often(client: TestClient, gallery_data: GalleryData, waited: Any, seconds: Any) -> None:
    creation_id = gallery_data.creation(created_at=now() - waited)
    assert page_context(client.get(f"/c/{creation_id}"))["refresh"] == seconds


def test_painting_creation_says_so(client: TestClient, gallery_data: GalleryData) -> None:
    assert "Painting now." in client.get(f"/c/{gallery_data.creation(state=State.PAINTING)}").text


def test_failed_attempt_shows_the_next_attempt(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.creation(
        attempts=2, reason_code="gpu_busy", next_attempt_at=now() + timedelta(minutes=3)
    )
    assert "Still trying. Next attempt at" in client.get(f"/c/{creation_id}").text


@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED])
@pytest.mark.parametrize("code", ["empty", "too_long", "gpu_down", "gpu_refused", "gpu_unchecked", "unexpected"])
def test_refused_creation_shows_the_reason_and_does_not_reload(
    client: TestClient, gallery_data: GalleryData, state: Any, code: str
) -> None:
    response = client.get(f"/c/{gallery_data.creation(state=state, reason_code=code)}")
    assert response.status_code == 200
    assert MESSAGES[code].replace("'", "&#39;") in response.text
    assert "http-equiv" not in response.text


@pytest.mark.parametrize("code", sorted(COMMAND_CODES))
def test_command_has_no_page(client: TestClient, gallery_data: GalleryData, code: str) -> None:
    creation_id = gallery_data.creation(state=State.REFUSED, reason_code=code, prompt="")
    for path in (f"/c/{creation_id}", f"/api/creations/{creation_id}"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("code", ["flagged", "post_gone", "too_long", "gpu_failed"])
def test_prompt_of_a_failed_creation_is_visible_to_its_author_only(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
    code: str,
) -> None:
    state = State.FAILED if code == "gpu_failed" else State.REFUSED
    ada = gallery_data.person("ada")
    creation_id = gallery_data.creation(
        prompt="my private words", negative_prompt="fog", state=state, reason_code=code, person_id=ada
    )
    for path in (f"/c/{creation_id}", f"/api/creations/{creation_id}"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "private words" not in answer.text
        assert "fog" not in answer.text
    own = site()
    sign_in(own, ada)
    assert "my private words" in own.get(f"/c/{creation_id}").text


def test_unsafe_prompt_is_hidden_from_everyone(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.creation(
        state=State.REFUSED, reason_code="unsafe", prompt="foul words", negative_prompt="more of it"
    )
    for path in (f"/c/{creation_id}", f"/api/creations/{creation_id}"):
        said = html.unescape(client.get(path).text)
        assert MESSAGES["unsafe"] in said
        assert "foul words" not in said
        assert "more of it" not in said


def test_failure_without_a_reason_code_is_explained(client: TestClient, gallery_data: GalleryData) -> None:
    assert MESSAGES["unexpected"] in client.get(f"/c/{gallery_data.creation(state=State.FAILED)}").text


def test_picture_without_reply_on_x_says_gallery_only(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(state=State.PAINTED, reply_status="x_not_summoned")
    assert MESSAGES["x_not_summoned"] in client.get(f"/c/{creation_id}").text


@pytest.mark.parametrize("state", [State.PAINTED, State.REPLYING, State.REPLIED])
def test_hidden_creation_has_a_page_without_pictures(client: TestClient, gallery_data: GalleryData, state: Any) -> None:
    response = client.get(f"/c/{gallery_data.publish(state=state, published_at=None)}")
    assert response.status_code == 200
    assert "Not public." in response.text
    assert "/pictures/" not in response.text


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("prompt", ["", " \n ", "🌊" * 700, "x" * 2000])
def test_page_renders_in_every_state_and_with_any_prompt(
    client: TestClient, gallery_data: GalleryData, state: Any, prompt: str
) -> None:
    assert client.get(f"/c/{gallery_data.creation(state=state, prompt=prompt)}").status_code == 200
    assert client.get(f"/c/{gallery_data.publish(state=state, prompt=prompt)}").status_code == 200


@pytest.mark.parametrize("path", ["/c/999", "/c/0", "/c/99999999999999999999999", "/c/-1", "/c/abc", "/c/1.5", "/c/"])
def test_unknown_creation_is_not_found(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert template_name(response) == "problem.html"


def test_link_preview_has_an_absolute_picture_url_with_a_public_url(
    site: Callable[..., TestClient], gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse")
    html = site(public_url="https://paint.example/").get(f"/c/{creation_id}").text
    assert '<meta property="og:title" content="a lighthouse">' in html
    assert '<meta property="og:image" content="https://paint.example/pictures/' in html
    assert f'<meta property="og:url" content="https://paint.example/c/{creation_id}">' in html


def test_remix_links_to_its_parent(client: TestClient, gallery_data: GalleryData) -> None:
    parent = gallery_data.publish()
    assert f'href="/c/{parent}"' in client.get(f"/c/{gallery_data.publish(parent_id=parent)}").text


def hidden(gallery_data: GalleryData, **values: Any) -> Any:
    return gallery_data.publish(hidden_at=now(), published_at=None, prompt="a secret garden", **values)


def test_hidden_creation_is_visible_to_its_author_only(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = hidden(gallery_data)
    other = site()
    sign_in(other, gallery_data.person("grace"))
    for stranger in (site(), other):
        assert stranger.get(f"/c/{creation_id}").status_code == 404
        assert stranger.get(f"/c/{creation_id}/download/1").status_code == 404
        assert stranger.get(f"/api/creations/{creation_id}").status_code == 404
    sign_in(client, gallery_data.person())
    html = client.get(f"/c/{creation_id}").text
    assert "Hidden. Only you can see this." in html
    assert "a secret garden</h1>" in html
    assert '<meta name="robots" content="noindex">' in html
    assert "og:image" not in html


def test_files_of_a_hidden_creation_are_served_to_its_author_only(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = hidden(gallery_data)
    other = site()
    sign_in(other, gallery_data.person("grace"))
    sign_in(client, gallery_data.person())
    picture = page_context(client.get(f"/c/{creation_id}"))["creation"].pictures[0]
    for address in (picture.url, picture.thumb_url):
        assert site().get(address).status_code == 404
        assert other.get(address).status_code == 404
        response = client.get(address)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "private, no-cache"


def test_flagged_picture_is_hidden_from_its_author_too(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    creation_id = gallery_data.publish(pictures=0, published_at=None)
    key = gallery_data.picture(creation_id, flagged=True)
    sign_in(client, gallery_data.person())
    assert "/pictures/" not in client.get(f"/c/{creation_id}").text
    assert client.get(f"/pictures/{key}").status_code == 404


def test_deleted_creation_is_gone_for_its_author_too(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    creation_id = hidden(gallery_data, deleted_at=now())
    sign_in(client, gallery_data.person())
    response = client.get(f"/c/{creation_id}")
    assert response.status_code == 410
    assert "a secret garden" not in response.text


def test_sensitive_picture_is_blurred_until_requested(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(sensitive=True, pictures=2)
    html = client.get(f"/c/{creation_id}").text
    assert "These pictures may be sensitive." in html
    for bytes_of_it in ("/pictures/", "data:image", "og:image", "/download/"):
        assert bytes_of_it not in html
    assert f'href="/c/{creation_id}?show=1"' in html
    assert client.get(f"/c/{creation_id}?show=1").text.count('class="frame__picture"') == 2


def test_sensitive_picture_is_shown_to_its_author_and_by_choice(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = gallery_data.publish(sensitive=True)
    sign_in(client, gallery_data.person())
    assert 'class="frame__picture"' in client.get(f"/c/{creation_id}").text
    member = site()
    sign_in(member, gallery_data.person("grace", show_sensitive=True))
    assert 'class="frame__picture"' in member.get(f"/c/{creation_id}").text
    other = site()
    sign_in(other, gallery_data.person("yuki"))
    assert "/pictures/" not in other.get(f"/c/{creation_id}").text


def test_actions_of_the_author_are_offered_to_them_only(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = gallery_data.publish()
    other = site()
    sign_in(other, gallery_data.person("grace"))
    for stranger in (site(), other):
        assert 'action="/me/creations"' not in stranger.get(f"/c/{creation_id}").text
    sign_in(client, gallery_data.person())
    html = client.get(f"/c/{creation_id}").text
    for do in ("hide", "sensitive", "delete"):
        assert f'name="do" value="{do}"' in html
    assert "/report" not in html
    for do in ("unhide", "delete"):
        assert f'name="do" value="{do}"' in client.get(f"/c/{hidden(gallery_data)}").text


def test_re_run_is_one_form(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    creation_id = gallery_data.publish()
    assert "/rerun" not in client.get(f"/c/{creation_id}").text
    sign_in(client, gallery_data.person("grace"))
    html = client.get(f"/c/{creation_id}").text
    assert f'<form method="post" action="/c/{creation_id}/rerun">' in html
    assert f'href="/paint?remix={creation_id}"' in html


def test_author_of_a_refused_prompt_can_edit_it(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = gallery_data.creation(state=State.REFUSED, reason_code="too_long")
    strangers = site().get(f"/c/{creation_id}").text
    assert "/paint?remix" not in strangers and "prompted by" not in strangers
    sign_in(client, gallery_data.person())
    own = client.get(f"/c/{creation_id}").text
    assert f'href="/paint?remix={creation_id}"' in own and "prompted by" in own


def test_page_offers_large_copies(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(pictures=0)
    small = gallery_data.publish()
    keys: dict[str, Any] = {f"{name}_key": f"ab/{number * 30}.{ending}" for name, number, ending in COPIES}
    gallery_data.picture(creation_id, width=1344, height=896, wide_width=960, wide_height=640, **keys)
    html = client.get(f"/c/{creation_id}").text
    avif = f"/pictures/{keys['thumb_avif_key']} 48w, /pictures/{keys['wide_avif_key']} 960w"
    assert f'<source type="image/avif" media="(max-resolution: 1.5dppx), (max-width: 40rem)" srcset="{avif}"' in html
    assert f'src="/pictures/{keys["wide_key"]}"' in html
    assert "<source" not in client.get(f"/c/{small}").text


def test_page_offers_avif_of_the_whole_picture_to_every_screen(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id, small = gallery_data.publish(pictures=0), gallery_data.publish(pictures=0)
    keys: dict[str, Any] = {"thumb_avif_key": "ab/small.avif", "wide_avif_key": "ab/large.avif"}
    gallery_data.picture(creation_id, wide_width=96, wide_height=64, **keys)
    html = client.get(f"/c/{creation_id}").text
    assert '<source type="image/avif" srcset="/pictures/ab/small.avif 48w, /pictures/ab/large.avif 96w"' in html
    itself: dict[str, Any] = {
        "key": "ab/itself.webp",
        "thumb_key": "ab/itself.webp",
        "thumb_width": 96,
        "thumb_height": 64,
    }
    gallery_data.picture(small, thumb_avif_key="ab/small.avif", **itself)
    html = client.get(f"/c/{small}").text
    assert '<source type="image/avif" srcset="/pictures/ab/small.avif 96w"' in html
    assert 'src="/pictures/ab/itself.webp" srcset="/pictures/ab/itself.webp 96w"' in html
    assert 'src="/pictures/ab/itself.webp" width="96"' in client.get("/").text


COPIES = (("thumb_avif", "1", "avif"), ("wide", "2", "webp"), ("wide_avif", "3", "avif"))


def test_share_link_is_absolute(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(prompt="tea & <b>biscuits</b>")
    html = site(public_url="https://paint.example").get(f"/c/{creation_id}").text
    wanted = "https://x.com/intent/post?text=tea%20%26%20%3Cb%3Ebiscuits%3C/b%3E&amp;url=https%3A//paint.example/c/"
    assert f'href="{wanted}{creation_id}"' in html


def test_corrected_options_are_listed(client: TestClient, gallery_data: GalleryData) -> None:
    corrections = [["ar", "7:3", "21:9"], ["n", "9", "4"], ["v", "6", ""], ["?", "", ""], ["picture", "4", "2"]]
    html = client.get(f"/c/{gallery_data.publish(option_corrections=json.dumps(corrections))}").text
    assert "“--ar 7:3” is not an available aspect ratio: the nearest is 21:9." in html
    assert "“--n 9”: a post gets 1 to 4 pictures, so this one got 4." in html
    assert "The option “--v 6” was ignored" in html
    assert "An unknown option was ignored." in html
    assert "You asked for picture 4, but there are only 2: the last one was used." in html


def test_page_costs_the_same_statements_whatever_it_shows(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str], statements: list[str]
) -> None:
    sign_in(client, gallery_data.person("grace"))
    counts = []
    for pictures in (1, 4):
        creation_id = gallery_data.publish(pictures=pictures)
        statements.clear()
        client.get(f"/c/{creation_id}")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 9


def test_waiting_page_reloads_without_scripts_and_listens_with_scripts(
    client: TestClient, gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.creation(created_at=now())
    html = client.get(f"/c/{creation_id}").text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in html
    assert f'data-live="{creation_id}" data-state="queued" data-refresh="3"' in html


def test_page_has_a_form_to_add_it_to_a_board(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    creation_id = gallery_data.publish()
    assert "/me/boards/collect" not in site().get(f"/c/{creation_id}").text
    sign_in(client, gallery_data.person("grace"))
    html = client.get(f"/c/{creation_id}").text
    assert 'action="/me/boards/collect"' in html
    assert f'name="creation" value="{creation_id}"' in html
