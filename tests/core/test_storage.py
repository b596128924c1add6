"""Pictures are kept under the name of their content, whole or not at all."""

from pathlib import Path

import pytest

from core.errors import TryLater
from core.storage import FolderStorage


def test_it_gives_back_what_it_keeps(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = storage.put(b"picture", "webp")
    assert storage.get(key) == b"picture"
    assert storage.path(key) == tmp_path / key


def test_the_same_bytes_are_one_file(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    assert storage.put(b"same", "webp") == storage.put(b"same", "webp")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "ab/../../x.webp", "/etc/passwd", "", "ab/" + "0" * 30 + ".exe", "ab\0"]
)
def test_it_serves_no_file_that_is_not_a_picture(tmp_path: Path, key: str) -> None:
    assert FolderStorage(tmp_path).path(key) is None
    assert FolderStorage(tmp_path).get(key) is None


def test_a_folder_that_cannot_be_written_is_tried_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TryLater, match="storage: cannot keep a picture"):
        FolderStorage(tmp_path / "file" / "pictures").put(b"x", "webp")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
