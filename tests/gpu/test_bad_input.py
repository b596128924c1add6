"""Invalid requests: errors with field and reason, without the caller's text."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu.api.contract import MAX_BODY_BYTES
from gpu.sketch.engine import SketchEngine
from tests.support.gpu_requests import REQUEST, as_base64, fields
from tests.support.toy_engine import Serve, ToyEngine


@pytest.fixture
def sketcher(serve: Serve) -> Any:
    return serve(SketchEngine())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n\t "}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"negative_prompt": "x" * 4001}, "negative_prompt"),
        ({"width": 0}, "width"),
        ({"width": 56}, "width"),
        ({"width": 100}, "width"),
        ({"height": 1544}, "height"),
        ({"height": -64}, "height"),
        ({"aspect_ratio": "16:9"}, "aspect_ratio"),
        ({"width": None, "height": None, "aspect_ratio": "16/9"}, "aspect_ratio"),
        ({"width": None, "height": None, "aspect_ratio": "0:1"}, "aspect_ratio"),
        ({"width": None, "height": None, "aspect_ratio": "100:99"}, "aspect_ratio"),
        ({"width": None, "height": None, "aspect_ratio": "4:1"}, "aspect_ratio"),
        ({"width": None, "height": None, "aspect_ratio": "1:1\n"}, "aspect_ratio"),
        ({"width": None, "height": None, "aspect_ratio": 1.5}, "aspect_ratio"),
        ({"embedding": "yes"}, "embedding"),
        ({"embedding": 1}, "embedding"),
        ({"height": 64.5}, "height"),
        ({"width": "64"}, "width"),
        ({"width": True}, "width"),
        ({"width": 10**30}, "width"),
        ({"steps": 0}, "steps"),
        ({"steps": 101}, "steps"),
        ({"guidance": -1}, "guidance"),
        ({"guidance": 31}, "guidance"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [1, 2, 3, 4, 5]}, "seeds"),
        ({"seeds": [-1]}, "seeds.0"),
        ({"seeds": [1, 2**63]}, "seeds.1"),
        ({"seeds": ["1"]}, "seeds.0"),
        ({"seeds": 7}, "seeds"),
        ({"strength": 0.5}, "strength"),
        ({"strength": 0, "init_image": "AAAA"}, "strength"),
        ({"strength": 1.1, "init_image": "AAAA"}, "strength"),
        ({"steps": 1, "strength": 0.5, "init_image": "AAAA"}, "strength"),
        ({"init_image": "not base64!"}, "init_image"),
        ({"init_image": ""}, "init_image"),
        ({"init_image": "AAAA"}, "init_image"),
        ({"init_image": "ä" * 8}, "init_image"),
        ({"sampler": "euler"}, "sampler"),
    ],
)
def test_a_wrong_value_is_rejected_with_its_field(
    toy: ToyEngine, serve: Serve, change: dict[str, Any], field: str
) -> None:
    assert fields(serve(toy).post("/v1/paint", json=REQUEST | change)) == [field]
    assert toy.batches == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "\xed\xa0\x80"}',
        b'{"prompt": "x", "guidance": NaN}',
        b'{"prompt": "x", "guidance": 1e999}',
        b'{"prompt": "x", "seeds": [1e400]}',
        b'{"prompt": "x", "seeds": [' + b"9" * 5000 + b"]}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"prompt": "x", "seeds": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'\xef\xbb\xbf{"prompt": "x"}',
        b'{"prompt": "x"} {"prompt": "y"}',
        '{"prompt": "x"}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_no_request_is_rejected(toy: ToyEngine, serve: Serve, body: Any) -> None:
    assert fields(serve(toy).post("/v1/paint", content=body))


def test_the_last_of_two_equal_fields_wins(toy: ToyEngine, serve: Serve) -> None:
    body = b'{"prompt": "first", "prompt": "last", "width": 64, "height": 64}'
    assert serve(toy).post("/v1/paint", content=body).status_code == 200
    assert toy.batches == [["last"]]


def test_a_compressed_body_is_rejected(toy: ToyEngine, serve: Serve) -> None:
    body = gzip.compress(json.dumps(REQUEST).encode())
    response = serve(toy).post("/v1/paint", content=body, headers={"Content-Encoding": "gzip"})
    assert fields(response) == ["Content-Encoding"]


def test_all_wrong_fields_are_named_at_once(toy: ToyEngine, serve: Serve) -> None:
    assert fields(serve(toy).post("/v1/paint", json=REQUEST | {"width": 1, "height": 2, "steps": 0})) == [
        "width",
        "height",
        "steps",
    ]


def test_errors_do_not_quote_the_caller(toy: ToyEngine, serve: Serve) -> None:
    response = serve(toy).post("/v1/paint", json={"prompt": "my secret", "steps": "my secret"})
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "prompt", ["x" * 4000, "🎨" * 4000, "\x00\x01\x1b[31m", "\u202e right to left", "  padded  ", "\ufeff", "{}", "%s"]
)
def test_odd_prompts_are_generated(sketcher: Any, prompt: str) -> None:
    assert sketcher.post("/v1/paint", json=REQUEST | {"prompt": prompt}).status_code == 200


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from([*REQUEST, "steps", "guidance", "strength", "init_image", "negative_prompt", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
            max_leaves=6,
        ),
    )
)
def test_any_body_is_answered_with_200_or_422(sketcher: Any, change: dict[str, object]) -> None:
    body = json.dumps(REQUEST | change).encode("utf-8", "surrogatepass")
    assert sketcher.post("/v1/paint", content=body).status_code in (200, 422)


def test_a_body_too_large_is_rejected_with_and_without_length(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    assert client.post("/v1/paint", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    chunks = (b"x" * 2**20 for _ in range(20))
    assert client.post("/v1/paint", content=chunks).status_code == 413


def test_steps_too_long_to_multiply_are_named(sketcher: Any) -> None:
    start = as_base64(Image.new("RGB", (8, 8)))
    body = json.dumps(REQUEST | {"init_image": start, "steps": 10**400})
    assert fields(sketcher.post("/v1/paint", content=body)) == ["steps"]


def test_a_body_full_of_mistakes_gets_a_short_response(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    many = client.post("/v1/paint", json=REQUEST | {f"k{i}": 1 for i in range(10_000)})
    long = client.post("/v1/paint", json=REQUEST | {"k" * 1_000_000: 1})
    assert fields(many) == ["body"] and fields(long) == ["k" * 60]
    assert len(many.content) < 200 and len(long.content) < 200
