"""Pictures are stored under a hash of their content, completely or not at all."""

from pathlib import Path

import pytest

from core.errors import TryLater
from core.storage import FolderStorage


def test_a_stored_picture_is_read_back(tmp_path: Path) -> None:
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
def test_keys_of_other_files_are_rejected(tmp_path: Path, key: str) -> None:
    assert FolderStorage(tmp_path).path(key) is None
    assert FolderStorage(tmp_path).get(key) is None


def test_an_unwritable_folder_raises_try_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TryLater, match="storage: cannot save a picture"):
        FolderStorage(tmp_path / "file" / "pictures").put(b"x", "webp")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
