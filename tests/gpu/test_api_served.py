"""The GPU service over real connections: disconnects, full queues, bodies that never end."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from gpu.api.contract import MAX_BODY_BYTES
from gpu.api.http_limits import limited
from gpu.api.service import create_app
from tests.support.gpu_requests import REQUEST
from tests.support.toy_engine import ToyEngine


@pytest.fixture
def served(toy: ToyEngine) -> Iterator[Any]:
    """Serve the toy engine with uvicorn and a queue of two requests."""
    with serving(create_app(toy, token=None, queue_limit=2)) as address_and_thread:
        yield address_and_thread
        toy.let_go()


@pytest.fixture
def guarded(toy: ToyEngine) -> Iterator[Any]:
    """Serve the toy engine with a token."""
    with serving(create_app(toy, token="s3cret")) as (url, _):
        yield httpx.URL(url)


@contextmanager
def serving(app: Any) -> Iterator[Any]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(**limited(app), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        app.state.engine_thread.wait_settled(10)
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.engine_thread
        server.should_exit = True
        thread.join(10)


def wait_for(true: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def post_later(url: str, prompt: str, timeout: float = 10.0, headers: Any = None, **asked: Any) -> Any:
    def post() -> None:
        try:
            body = REQUEST | {"prompt": prompt} | asked
            results.append(httpx.post(f"{url}/v1/paint", json=body, timeout=timeout, headers=headers))
        except httpx.TimeoutException as error:
            results.append(error)

    results: list[Any] = []
    thread = threading.Thread(target=post)
    thread.start()
    return thread, results


def test_a_disconnect_takes_the_request_out_of_the_queue(toy: ToyEngine, served: Any) -> None:
    url, thread = served
    toy.hold()
    first, answers = post_later(url, "first")
    assert toy.painting.wait(5)
    impatient, _ = post_later(url, "impatient", timeout=0.3)
    wait_for(lambda: thread.waiting == 1)
    impatient.join()
    wait_for(lambda: thread.waiting == 0)
    toy.let_go()
    first.join()
    assert answers[0].status_code == 200
    assert toy.batches == [["first"]]


def test_a_disconnect_during_generation_does_no_harm(toy: ToyEngine, served: Any) -> None:
    url, _ = served
    toy.hold()
    impatient, _ = post_later(url, "impatient", timeout=0.3)
    assert toy.painting.wait(5)
    impatient.join()
    toy.let_go()
    assert httpx.post(f"{url}/v1/paint", json=REQUEST).status_code == 200


def test_a_full_queue_is_a_429_with_retry_after(toy: ToyEngine, served: Any) -> None:
    url, thread = served
    toy.hold()
    callers = [post_later(url, "first")]
    assert toy.painting.wait(5)
    callers += [post_later(url, f"p{i}") for i in range(2)]
    wait_for(lambda: thread.waiting == 2)
    refused = httpx.post(f"{url}/v1/paint", json=REQUEST)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert httpx.get(f"{url}/healthz").json()["queue"] == 2
    toy.let_go()
    for caller, answers in callers:
        caller.join()
        assert answers[0].status_code == 200


def test_a_huge_body_is_cut_off_by_a_real_server(served: Any) -> None:
    url, _ = served
    with httpx.Client() as client:
        response = client.post(f"{url}/v1/paint", content=b"x" * (MAX_BODY_BYTES + 2**22))
    assert response.status_code == 413


def test_concurrent_bodies_are_limited(served: Any) -> None:
    url, _ = served
    head = b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
    halves = [socket.create_connection(("127.0.0.1", httpx.URL(url).port)) for _ in range(2)]
    for half in halves:
        half.sendall(head)
    deadline = time.monotonic() + 5
    while (refused := httpx.post(f"{url}/v1/paint", json=REQUEST)).status_code != 429:
        assert time.monotonic() < deadline
    assert refused.headers["Retry-After"] == "1"
    for half in halves:
        half.close()
    while httpx.post(f"{url}/v1/paint", json=REQUEST).status_code != 200:
        assert time.monotonic() < deadline, "the places of those who hung up are not free"


def test_a_body_that_does_not_arrive_is_a_408(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu.api.body_limits.BODY_SECONDS", 0.2)
    url, _ = served
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port), timeout=5) as slow:
        slow.sendall(b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_requests_are_generated_in_order_of_arrival(make_toy: type[ToyEngine]) -> None:
    toy = make_toy(batch=1)
    with serving(create_app(toy, token=None)) as (url, thread):
        toy.hold()
        callers = [post_later(url, "first", **NATIVE)]
        assert toy.painting.wait(5)
        for place, prompt in enumerate(("a", "b", "c")):
            callers.append(post_later(url, prompt, **NATIVE))
            wait_for(lambda place=place: thread.waiting == place + 1)
        toy.let_go()
        for caller, answers in callers:
            caller.join()
            assert answers[0].status_code == 200
    assert toy.batches == [["first"], ["a"], ["b"], ["c"]]


# So large that the toy paints one at a time.
NATIVE = {"width": 512, "height": 512}
HEAD = b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
TOKEN = b"Authorization: Bearer s3cret\r\n"


def connected(url: Any) -> Any:
    return socket.create_connection(("127.0.0.1", url.port), timeout=5)


def answers_until_closed(connection: Any) -> Any:
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def send_without_end(connection: Any) -> Any:
    """Send chunks until the server closes the connection. Return the megabytes sent."""
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    sent = 0
    try:
        while sent < 200:
            connection.sendall(chunk)
            sent += 1
    except OSError:
        pass
    return sent


def test_a_body_without_end_is_cut_off_at_once_without_the_token(guarded: Any) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        assert answers_until_closed(connection).startswith(b"HTTP/1.1 401 ")
    with connected(guarded) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        assert send_without_end(connection) < 100


def test_a_body_without_end_is_cut_off_at_the_bound_with_the_token(guarded: Any) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b"Transfer-Encoding: chunked\r\n\r\n")
        assert send_without_end(connection) < 100
    assert httpx.post(guarded.join("/v1/paint"), json=REQUEST).status_code == 401


def test_a_wrong_token_with_a_large_body_is_answered(guarded: Any) -> None:
    with httpx.Client() as client:
        for _ in range(2):
            answer = client.post(guarded.join("/v1/paint"), content=bytes(MAX_BODY_BYTES))
            assert answer.status_code == 401 and "connection" not in answer.headers


def test_a_declared_length_too_large_is_rejected_unread(guarded: Any) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b"Content-Length: 99999999999999999999\r\n\r\n")
        received = connection.recv(4096)
    # The parser of the server itself has no number that large.
    assert received.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
        assert answers_until_closed(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"ten", b"1, 2"])
def test_an_invalid_length_is_rejected(guarded: Any, length: bytes) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b"Content-Length: " + length + b"\r\n\r\n{}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_length_with_chunks_smuggles_no_request(guarded: Any) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        received = connection.recv(4096)
    assert received.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 422 "))


def test_a_body_shorter_than_declared_is_not_generated(toy: ToyEngine, guarded: Any) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b'Content-Length: 100\r\n\r\n{"prompt": "x"}')
        connection.shutdown(socket.SHUT_WR)
        assert not answers_until_closed(connection).startswith(b"HTTP/1.1 200 ")
    assert toy.batches == []


def test_expect_100_continue_with_a_wrong_token_is_a_401(guarded: Any) -> None:
    with connected(guarded) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 9000000\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_expect_100_continue_is_answered(guarded: Any) -> None:
    body = b'{"prompt": "a lake", "width": 64, "height": 64}'
    with connected(guarded) as connection:
        connection.sendall(HEAD + TOKEN + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_the_time_of_a_disconnected_client_becomes_idle(toy: ToyEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    encoding, go = threading.Event(), threading.Event()

    def encode(image: Any, form: Any) -> bytes:
        encoding.set()
        assert go.wait(5)
        return b""

    monkeypatch.setattr("gpu.api.paint.encode", encode)
    began = time.monotonic()
    with serving(create_app(toy, token=None, scaledown_seconds=100.0)) as (url, _):
        impatient, _ = post_later(url, "impatient", timeout=0.3)
        assert encoding.wait(5)
        impatient.join()
        go.set()
        wait_for(lambda: 'status="499"} 1.0' in httpx.get(f"{url}/metrics").text)
        seconds = httpx.post(f"{url}/v1/paint", json=REQUEST).json()["seconds"]
    assert 100 < seconds["gpu"] + seconds["idle"] < 100 + time.monotonic() - began


def test_the_time_of_a_cancelled_response_becomes_idle(toy: ToyEngine) -> None:
    app = create_app(toy, token=None, scaledown_seconds=100.0)
    thread = app.state.engine_thread
    thread.start()
    thread.wait_settled(5)
    messages = [{"type": "http.request", "body": json.dumps(REQUEST).encode(), "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Event().wait()

    async def send(_message: Any) -> None:
        pass

    async def cancelled_in_the_wrong_moment() -> None:
        toy.hold()
        scope = {"type": "http", "method": "POST", "path": "/v1/paint", "headers": [], "query_string": b""}
        order = asyncio.create_task(app(scope, receive, send))
        assert await asyncio.to_thread(toy.painting.wait, 5)
        toy.let_go()
        while thread._unsettled:
            time.sleep(0.001)  # noqa: ASYNC251 -- the loop stands still: the outcome is there, and has not reached it
        order.cancel()
        with pytest.raises(asyncio.CancelledError):
            await order

    asyncio.run(cancelled_in_the_wrong_moment())
    assert thread.meter.take_idle() > 100
    thread.stop()
