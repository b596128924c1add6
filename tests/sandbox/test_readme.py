"""The examples in the sandbox's README work, and it names every call, fault, endpoint and setting."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
import tweepy
from fastapi import FastAPI

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from sandbox.x.endpoints import ENDPOINTS
from sandbox.x.faults import Kind
from tests.support.sandbox_world import SandboxWorld

README = (Path(__file__).parent.parent.parent / "sandbox" / "README.md").read_text()
LOCAL = "http://127.0.0.1:8001"


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run_blocks(blocks: list[str]) -> dict[str, Any]:
    """Run code of the README. Return the names it defines."""
    names: dict[str, Any] = {"requests": requests, "tweepy": tweepy}
    for block in blocks:
        exec(block, names)
    return names


def test_the_tweepy_example_works(world: SandboxWorld) -> None:
    names = run_blocks([python_blocks()[0].replace(LOCAL, world.url)])
    assert names["client"].get_me().data.username == "threadpaint"


def test_the_sign_in_example_opens_the_consent_page(world: SandboxWorld) -> None:
    names = run_blocks([block.replace(LOCAL, world.url) for block in python_blocks()[:2]])
    assert "wants to act for you" in world.http.get(names["page"]).text


def test_the_app_example_creates_an_app() -> None:
    assert isinstance(run_blocks([python_blocks()[2]])["app"], FastAPI)


def control_calls() -> list[tuple[str, str]]:
    """Return method and path of each control call, from the app's OpenAPI description."""
    paths = create_app(SandboxSettings(data=None)).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if "/sandbox/" in path]


@pytest.mark.parametrize(("method", "path"), control_calls())
def test_every_control_call_is_in_the_readme(method: str, path: str) -> None:
    """The README says once that each POST has a GET that returns the current values."""
    assert f"{method} {path}" in README or (method == "GET" and f"POST {path} " in README)


def test_control_calls_are_found() -> None:
    assert len(control_calls()) > 20


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_fault_is_in_the_readme(kind: str) -> None:
    assert f"`{kind}" in README


@pytest.mark.parametrize("endpoint", [endpoint.name for endpoint in ENDPOINTS])
def test_every_endpoint_is_in_the_readme(endpoint: str) -> None:
    path = endpoint.split(" ")[1]
    short = path.removeprefix("/2/users/:id").removeprefix("/2/media/upload")
    assert f"{path}`" in README or f"`{short}`" in README


@pytest.mark.parametrize("name", ["vocabulary", "old_media", "client_name", "redirect_uris", "search_lag_seconds"])
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"SANDBOX_{name.upper()}" in README
