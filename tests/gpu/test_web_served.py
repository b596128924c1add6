"""The GPU service over real connections: clients that hang up, crowd in, or never come to the end."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest
import uvicorn

from gpu.contract import MAX_BODY_BYTES
from gpu.web import create_app

ASKED = {"prompt": "a lake", "seeds": [7], "width": 64, "height": 64}


@pytest.fixture
def served(toy):
    """The toy's address on a real uvicorn."""
    app = create_app(toy, token=None, queue_limit=2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        app.state.engine_thread.wait_settled(10)
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.engine_thread
        toy.let_go()
        server.should_exit = True
        thread.join(10)


def wait_for(true, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def post_later(url, prompt, timeout=10.0):
    def post():
        try:
            results.append(httpx.post(f"{url}/v1/paint", json=ASKED | {"prompt": prompt}, timeout=timeout))
        except httpx.TimeoutException as error:
            results.append(error)

    results = []
    thread = threading.Thread(target=post)
    thread.start()
    return thread, results


def test_a_client_that_hangs_up_takes_its_order_out_of_the_queue(toy, served):
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


def test_a_client_that_hangs_up_while_painted_harms_nobody(toy, served):
    url, _ = served
    toy.hold()
    impatient, _ = post_later(url, "impatient", timeout=0.3)
    assert toy.painting.wait(5)
    impatient.join()
    toy.let_go()
    assert httpx.post(f"{url}/v1/paint", json=ASKED).status_code == 200


def test_a_full_queue_is_a_429_with_retry_after(toy, served):
    url, thread = served
    toy.hold()
    callers = [post_later(url, "first")]
    assert toy.painting.wait(5)
    callers += [post_later(url, f"p{i}") for i in range(2)]
    wait_for(lambda: thread.waiting == 2)
    refused = httpx.post(f"{url}/v1/paint", json=ASKED)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert httpx.get(f"{url}/healthz").json()["queue"] == 2
    toy.let_go()
    for caller, answers in callers:
        caller.join()
        assert answers[0].status_code == 200


def test_a_huge_body_is_cut_off_by_a_real_server(served):
    url, _ = served
    with httpx.Client() as client:
        response = client.post(f"{url}/v1/paint", content=b"x" * (MAX_BODY_BYTES + 2**22))
    assert response.status_code == 413


def test_no_more_bodies_are_read_at_once_than_orders_may_wait(served):
    url, _ = served
    head = b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
    halves = [socket.create_connection(("127.0.0.1", httpx.URL(url).port)) for _ in range(2)]
    for half in halves:
        half.sendall(head)
    deadline = time.monotonic() + 5
    while (refused := httpx.post(f"{url}/v1/paint", json=ASKED)).status_code != 429:
        assert time.monotonic() < deadline
    assert refused.headers["Retry-After"] == "1"
    for half in halves:
        half.close()
    while httpx.post(f"{url}/v1/paint", json=ASKED).status_code != 200:
        assert time.monotonic() < deadline, "the places of those who hung up are not free"


def test_a_body_that_does_not_come_gets_408(served, monkeypatch):
    monkeypatch.setattr("gpu.bodies.BODY_SECONDS", 0.2)
    url, _ = served
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port), timeout=5) as slow:
        slow.sendall(b"POST /v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
