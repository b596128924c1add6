"""Avatars: saved once from X at the sign-in, served like pictures, gone with the account."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core import image_reader
from core.clock import now
from core.database import read_connection, write_session
from core.deletion import erase_user
from core.media_download import MediaDownloader
from core.models import people
from core.storage import FolderStorage
from gallery.auth.avatars import AvatarStore
from gallery.views.avatars import avatar_pattern
from tests.support.gallery_data import GalleryData, webp
from tests.support.servers import on_shared_server
from worker.orphan_files import is_named

AVATAR = re.compile(r'<img class="avatar[^>]* src="(/pictures/[^"]+)"')


class ImageHost:
    """An ASGI app that serves one file, and records the paths."""

    def __init__(self, content: bytes) -> None:
        self.content, self.paths = content, list[str]()

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.paths.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.content})


@pytest.fixture
def save(engine: Engine, storage: FolderStorage, ada: int) -> Callable[..., bool]:
    """Save what a host serves as Ada's avatar."""

    def save_(host: ImageHost, name: str = "ada_normal.png") -> bool:
        with on_shared_server(host) as url:
            return AvatarStore(engine, storage, MediaDownloader(origin=url, max_bytes=100_000)).save(
                ada, f"{url}/{name}"
            )

    return save_


def avatar_key(engine: Engine, person_id: int) -> str | None:
    with read_connection(engine) as connection:
        key: str | None = connection.execute(select(people.c.avatar_key).where(people.c.id == person_id)).scalar_one()
        return key


def test_avatar_is_fetched_once_and_shown_to_everybody(
    save: Callable[..., bool], engine: Engine, gallery_data: GalleryData, client: TestClient, ada: int
) -> None:
    host = ImageHost(webp(300, 200, "teal"))
    path = f"/c/{gallery_data.publish(person_id=ada)}"
    assert AVATAR.search(client.get(path).text) is None
    assert save(host) is True
    assert save(host) is False
    assert host.paths == ["/ada_400x400.png"]
    for page in (path, "/@ada"):
        address = AVATAR.findall(client.get(page).text)[0]
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert image_reader.size_of(answer.content) == (128, 128)
    assert len(answer.content) < 5_000


def test_avatar_of_a_hidden_user_is_not_served(
    save: Callable[..., bool], engine: Engine, client: TestClient, ada: int, sign_in: Callable[[TestClient, int], str]
) -> None:
    save(ImageHost(webp(48, 48, "teal")))
    address = f"/pictures/{avatar_key(engine, ada)}"
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == ada).values(hidden_at=now()))
    assert client.get(address).status_code == 404
    sign_in(client, ada)
    assert client.get(address).status_code == 200


def test_erased_users_have_no_avatar(save: Callable[..., bool], engine: Engine, client: TestClient, ada: int) -> None:
    save(ImageHost(webp(48, 48, "teal")))
    key = avatar_key(engine, ada) or ""
    address = f"/pictures/{key}"
    assert is_named(engine, key)
    erase_user(engine, ada)
    assert not is_named(engine, key), "the worker would keep the file"
    assert client.get(address).status_code == 404
    assert save(ImageHost(webp(48, 48, "navy")), "late_normal.png") is True
    assert avatar_key(engine, ada) is None


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"x" * 200_000, webp(48, 48, "teal")[:60]])
def test_unusable_pictures_leave_the_pattern(
    save: Callable[..., bool], engine: Engine, ada: int, content: bytes
) -> None:
    assert save(ImageHost(content)) is False
    assert avatar_key(engine, ada) is None


def test_addresses_of_other_hosts_are_not_fetched(engine: Engine, storage: FolderStorage, ada: int) -> None:
    host = ImageHost(webp(48, 48, "teal"))
    with on_shared_server(host) as url:
        for address in (f"{url}/a.png", "http://pbs.twimg.com/a.png", "file:///etc/passwd", "https://[::1", ""):
            assert AvatarStore(engine, storage).save(ada, address) is False
    assert host.paths == []


def test_patterns_differ_and_stay_the_same() -> None:
    patterns = [avatar_pattern(number) for number in range(200)]
    assert patterns == [avatar_pattern(number) for number in range(200)]
    assert all(re.fullmatch(r"(M\d \dh1v1h-1z)+", pattern) for pattern in patterns)
    assert len(set(patterns)) > 190
