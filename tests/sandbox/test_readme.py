"""The README is what somebody with another bot has: what it shows works, and what there is, it names."""

import re
from pathlib import Path
from typing import get_args

import pytest
import requests
import tweepy

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.x.faults import Kind
from sandbox.x.table import ENDPOINTS

README = (Path(__file__).parent.parent.parent / "sandbox" / "README.md").read_text()
LOCAL = "http://127.0.0.1:8001"


def python_blocks():
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_three_lines_point_tweepy_at_it(play):
    names = {"requests": requests, "tweepy": tweepy}
    exec(python_blocks()[0].replace(LOCAL, play.url), names)
    assert names["client"].get_me().data.username == "threadpaint"


def test_the_lines_for_sign_in_lead_to_the_page(play):
    names = {"requests": requests, "tweepy": tweepy}
    for block in python_blocks()[:2]:
        exec(block.replace(LOCAL, play.url), names)
    assert "wants to act for you" in play.http.get(names["page"]).text


def control_calls():
    """From the app's own description: what FastAPI knows of its routes."""
    paths = create_app(Settings(data=None)).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if "/sandbox/" in path]


@pytest.mark.parametrize(("method", "path"), control_calls())
def test_every_control_call_is_in_the_readme(method, path):
    """Beside a POST, a GET that tells how it stands is said once for all."""
    told = f"{method} {path}" in README
    assert told or (method == "GET" and f"POST {path} " in README)


def test_there_are_control_calls_to_be_found():
    assert len(control_calls()) > 20


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_fault_is_in_the_readme(kind):
    assert f"`{kind}" in README


@pytest.mark.parametrize("endpoint", [endpoint.name for endpoint in ENDPOINTS])
def test_every_endpoint_is_in_the_readme(endpoint):
    path = endpoint.split(" ")[1]
    short = path.removeprefix("/2/users/:id").removeprefix("/2/media/upload")
    assert f"{path}`" in README or f"`{short}`" in README


@pytest.mark.parametrize("name", ["vocabulary", "old_media", "client_name", "redirect_uris", "search_lag_seconds"])
def test_every_setting_is_in_the_readme(name):
    assert f"SANDBOX_{name.upper()}" in README
