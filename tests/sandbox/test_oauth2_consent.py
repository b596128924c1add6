"""The consent page of OAuth 2.0: its content, its checks, and where it redirects."""

import pytest

from tests.support.sandbox_oauth2 import (
    AUTHORIZE_PARAMS,
    REDIRECT_URI,
    exchange_code,
    get_code,
    get_me,
    redirect_params,
    submit_consent,
)
from tests.support.sandbox_world import SandboxWorld, StartWorld


def test_the_consent_page_names_app_scopes_and_users(world: SandboxWorld) -> None:
    page = world.http.get("/i/oauth2/authorize", params=AUTHORIZE_PARAMS)
    assert page.status_code == 200
    assert "An app in the making wants to act for you" in page.text
    assert "Stay connected to your account until you end it" in page.text
    assert "Upload pictures" not in page.text
    assert all(f"@{name}" in page.text for name in ("mira_paints", "oldtomcat", "threadpaint"))


def test_form_action_allows_the_redirect_uri_only(world: SandboxWorld) -> None:
    policy = world.http.get("/i/oauth2/authorize", params=AUTHORIZE_PARAMS).headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:9;" in policy


def test_allowing_redirects_with_code_and_state(world: SandboxWorld) -> None:
    params = redirect_params(submit_consent(world))
    assert set(params) == {"state", "code"}
    assert params["state"] == "s1"


def test_denying_redirects_without_a_code(world: SandboxWorld) -> None:
    assert redirect_params(submit_consent(world, "deny")) == {"error": "access_denied", "state": "s1"}


def test_signing_in_with_a_new_handle_creates_the_user(world: SandboxWorld) -> None:
    form = {"decision": "allow", "person": "mira_paints", "other": "@brand_new"}
    response = world.http.post("/i/oauth2/authorize", params=AUTHORIZE_PARAMS, data=form)
    access = exchange_code(world, redirect_params(response)["code"]).json()["access_token"]
    assert get_me(world, access).json()["data"]["username"] == "brand_new"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "somebody-else"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://127.0.0.1.evil.example/"),
        ("redirect_uri", "http://localhost@evil.example/"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", "http://127.0.0.1:80; script-src */"),
        ("redirect_uri", "http://127.0.0.1:9/#fragment"),
        ("response_type", "token"),
        ("scope", ""),
        ("scope", "tweet.read world.peace"),
        ("state", ""),
        ("code_challenge", ""),
        ("code_challenge_method", "S1"),
    ],
)
def test_invalid_requests_show_an_error_without_a_redirect(world: SandboxWorld, name: str, value: str) -> None:
    page = world.http.get("/i/oauth2/authorize", params=AUTHORIZE_PARAMS | {name: value})
    assert page.status_code == 400
    assert f"{name}:" in page.text
    assert submit_consent(world, **{name: value}).status_code == 400


def test_registered_redirect_uris_must_match_exactly(start_world: StartWorld) -> None:
    world = start_world(redirect_uris=["https://app.example/back"])
    assert get_code(world, redirect_uri="https://app.example/back")
    assert submit_consent(world, redirect_uri=REDIRECT_URI).status_code == 400
