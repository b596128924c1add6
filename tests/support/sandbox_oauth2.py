"""Sign in to a sandbox world with OAuth 2.0, by plain HTTP."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

from httpx import Auth, BasicAuth, Response

from tests.support.sandbox_world import Json, SandboxWorld

CLIENT = ("sandbox-client-id", "sandbox-client-secret")
CLIENT_AUTH = BasicAuth(*CLIENT)
NO_AUTH = Auth()
REDIRECT_URI = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
READ_SCOPES = "tweet.read users.read offline.access"
AUTHORIZE_PARAMS = {
    "response_type": "code",
    "client_id": CLIENT[0],
    "redirect_uri": REDIRECT_URI,
    "scope": READ_SCOPES,
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def submit_consent(world: SandboxWorld, decision: str = "allow", **params: str) -> Response:
    """Submit the consent page as @mira_paints. `params`: changed parameters of its URL."""
    form = {"decision": decision, "person": "mira_paints"}
    return world.http.post("/i/oauth2/authorize", params=AUTHORIZE_PARAMS | params, data=form)


def redirect_params(response: Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


def get_code(world: SandboxWorld, **params: str) -> str:
    return redirect_params(submit_consent(world, **params))["code"]


def exchange_code(
    world: SandboxWorld, code: str, changes: dict[str, str] | None = None, auth: Auth = CLIENT_AUTH
) -> Response:
    """Exchange a code for tokens. `changes`: other or additional fields of the form."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return world.http.post("/2/oauth2/token", data=form | (changes or {}), auth=auth)


def sign_in(world: SandboxWorld, **params: str) -> Json:
    """Return the tokens of @mira_paints."""
    response = exchange_code(world, get_code(world, **params))
    assert response.status_code == 200, response.text
    return dict(response.json())


def refresh(world: SandboxWorld, refresh_token: str) -> Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return world.http.post("/2/oauth2/token", data=form, auth=CLIENT)


def get_me(world: SandboxWorld, access_token: str) -> Response:
    return world.http.get("/2/users/me", headers={"authorization": f"Bearer {access_token}"})
