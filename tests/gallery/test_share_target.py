"""What another app shares becomes a draft in the composer of the member, and nothing is created."""

import io
from collections.abc import Callable

import pytest
from httpx2 import Response
from PIL import Image

from core.storage import FolderStorage
from core.upload_store import UploadStore
from tests.support.composer import Member
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.pages import page_context
from tests.support.site_client import SiteClient

# A browser sends these headers with what its share sheet got, and no page can send them.
BY_BROWSER = {"Sec-Fetch-Site": "none", "Origin": "null"}
SITE = "http://paint.example"


@pytest.fixture
def ada(
    site: Callable[..., SiteClient], gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> Member:
    client, person_id = site(public_url=SITE), gallery_data.person("ada")
    return Member(client, person_id, sign_in(client, person_id))


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), "red").save(buffer, "JPEG")
    return buffer.getvalue()


def share(
    client: SiteClient, file: bytes = b"", *, text: str = "", title: str = "", headers: dict[str, str] = BY_BROWSER
) -> Response:
    files = {"file": ("photo.jpg", file)} if file else {"file": ("", b"")}
    return client.post("/share", data={"title": title, "text": text, "url": ""}, files=files, headers=headers)


def test_a_shared_picture_is_chosen_in_the_composer(ada: Member, storage: FolderStorage) -> None:
    page = share(ada.client, photo(), text="a fox")
    form = page_context(page)["form"]
    assert form.prompt == "a fox"
    assert UploadStore(storage.folder).get(ada.id, form.init_image.removeprefix("own:")) is not None
    assert f'value="{form.init_image}" checked' in page.text
    assert ada.paint(init_image=form.init_image).status_code == 303


def test_a_shared_picture_without_words_comes_before_a_draft(ada: Member) -> None:
    assert "init_image" in page_context(share(ada.client, photo()))["filled"]


@pytest.mark.parametrize(
    ("text", "title", "prompt"),
    [
        ("a fox in the snow", "Notes", "a fox in the snow"),
        ("https://news.example.com/17", "A fox was seen", "A fox was seen"),
        ("look: news.example.com/17 a fox", "", "look: a fox"),
        ("", "", ""),
        ("fox " * 5000, "", ("fox " * 500).strip()),
    ],
)
def test_shared_words_are_the_prompt(ada: Member, text: str, title: str, prompt: str) -> None:
    assert page_context(share(ada.client, text=text, title=title))["form"].prompt.strip() == prompt


def test_a_shared_link_to_a_creation_opens_its_remix(ada: Member, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse")
    page = share(ada.client, text=f"a lighthouse {SITE}/c/{creation_id}")
    assert page.url.path == "/paint"
    assert page_context(page)["form"].remix == str(creation_id)


def test_a_shared_file_that_is_no_picture_is_named(ada: Member) -> None:
    page = share(ada.client, b"hello", text="a fox")
    assert page.status_code == 422
    assert page_context(page)["form"].prompt == "a fox"
    assert page_context(page)["errors"]["init_image"].startswith("This file is not a picture we can read.")


def test_words_survive_the_sign_in(site: Callable[..., SiteClient], storage: FolderStorage) -> None:
    page = share(site(settings=SETTINGS_WITH_SIGN_IN), photo(), text="a fox")
    assert page.url.path == "/sign-in"
    assert page.url.params["next"] == "/share?prompt=a+fox"
    assert not UploadStore(storage.folder).folder.exists()


@pytest.mark.parametrize(
    "headers", [{}, *({"Sec-Fetch-Site": value} for value in ("cross-site", "same-site", "same-origin"))]
)
def test_no_page_can_share_into_a_draft(ada: Member, storage: FolderStorage, headers: dict[str, str]) -> None:
    assert share(ada.client, photo(), text="a fox", headers=headers).status_code == 403
    assert not UploadStore(storage.folder).folder.exists()


def test_an_upload_of_another_member_is_not_offered(
    ada: Member, site: Callable[..., SiteClient], gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> None:
    name = page_context(share(ada.client, photo()))["form"].init_image
    grace = site()
    sign_in(grace, gallery_data.person("grace"))
    for value in (name, "own:../../etc/passwd", "own:%00"):
        assert page_context(grace.get(f"/share?prompt=&init_image={value}"))["form"].init_image == ""
