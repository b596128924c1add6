"""How many pictures go into one batch, and what is learnt when they do not fit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu.batching.batches import MOST, BatchSizes, pictures_that_fit
from gpu.batching.painter import Painter
from gpu.engine import Failure, Key, Limits, OutOfMemory, Painting, Piece

LIMITS = Limits(width=512, height=512, batch=4)


def key(width, height=None, kind="text", guidance=0.0, steps=4):
    return Key(kind, width, height or width, steps, guidance)


@pytest.mark.parametrize(
    ("width", "height", "pictures"),
    [(512, 512, 4), (256, 512, 8), (256, 256, 16), (512, 768, 2), (1024, 1024, 1), (1536, 1536, 1), (64, 64, MOST)],
)
def test_smaller_pictures_fit_more_and_larger_ones_fewer_by_area(width, height, pictures):
    assert pictures_that_fit(LIMITS, key(width, height)) == pictures


@given(st.integers(64, 4096), st.integers(64, 4096), st.integers(1, 64))
def test_a_batch_has_always_one_picture_and_never_more_pixels_than_the_limits_say(width, height, batch):
    fit = pictures_that_fit(Limits(width=1024, height=768, batch=batch), key(width, height))
    assert 1 <= fit <= MOST
    assert fit == 1 or fit * width * height <= batch * 1024 * 768


def test_what_did_not_fit_is_halved_for_that_size_only():
    sizes = BatchSizes()
    sizes.did_not_fit(key(512), 4)
    assert sizes.limit(LIMITS, key(512)) == 2
    assert sizes.limit(LIMITS, key(512, steps=20)) == 2, "memory does not depend on steps"
    assert sizes.limit(LIMITS, key(256)) == 16
    assert sizes.limit(LIMITS, key(512, kind="image")) == 4
    assert sizes.limit(LIMITS, key(512, guidance=7.0)) == 4


def test_a_limit_once_found_never_grows_and_is_at_least_one():
    sizes = BatchSizes()
    for pictures in (2, 4, 1):
        sizes.did_not_fit(key(512), pictures)
        assert sizes.limit(LIMITS, key(512)) == 1


class SmallCard:
    """Has memory for so many pictures at once; `too_large` seeds never fit."""

    model = "small"
    limits = Limits(width=64, height=64, batch=8)

    def __init__(self, memory: int, *too_large: int) -> None:
        self.calls: list[int] = []
        self._memory, self._too_large = memory, too_large

    def load(self) -> None:
        pass

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting]:
        self.calls.append(len(pieces))
        if len(pieces) > self._memory or any(piece.seed in self._too_large for piece in pieces):
            raise OutOfMemory
        return [Painting(Image.new("RGB", (8, 8), (piece.seed, 0, 0))) for piece in pieces]


def seeds(paintings):
    return [one.reason if isinstance(one, Failure) else one.image.getpixel((0, 0))[0] for one in paintings]


def pieces(count):
    return [Piece("sea", seed) for seed in range(count)]


def test_pieces_that_do_not_fit_together_are_painted_in_halves_and_none_is_lost():
    card = SmallCard(memory=2)
    painter = Painter(card)
    assert seeds(painter.paint(key(64), pieces(7))) == list(range(7))
    assert card.calls == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert painter.out_of_memory == 2


def test_the_smaller_batch_is_remembered():
    card = SmallCard(memory=4)
    painter = Painter(card)
    painter.paint(key(64), pieces(8))
    card.calls.clear()
    assert painter.limit(key(64)) == 4
    painter.paint(key(64), pieces(8))
    assert card.calls == [4, 4]


def test_a_piece_that_does_not_fit_alone_is_missing_and_the_others_are_there():
    assert seeds(Painter(SmallCard(8, 2)).paint(key(64), pieces(4))) == [0, 1, "memory", 3]


@given(st.integers(1, 8), st.integers(1, 20), st.sets(st.integers(0, 19)))
def test_whatever_fits_comes_in_order(memory, count, too_large):
    painted = seeds(Painter(SmallCard(memory, *too_large)).paint(key(64), pieces(count)))
    assert painted == ["memory" if seed in too_large else seed for seed in range(count)]


def test_an_engine_that_returns_too_few_pictures_fails_every_picture_by_name():
    card = SmallCard(8)
    card.paint = lambda key, pieces: []
    assert seeds(Painter(card).paint(key(64), pieces(3))) == ["failed"] * 3
