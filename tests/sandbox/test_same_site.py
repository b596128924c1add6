"""Pages of other sites in a browser on this machine can neither call the sandbox nor read it."""

import pytest

from tests.support.sandbox_world import SandboxWorld

EVIL = "http://evil.example"
FORM = {"author": "oldtomcat", "text": "@threadpaint a boat"}
FOREIGN = [{"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]


@pytest.mark.parametrize("headers", FOREIGN)
def test_cross_site_forms_are_rejected(world: SandboxWorld, headers: dict[str, str]) -> None:
    before = len(world.http.get("/sandbox/posts").json()["data"])
    for path in ("/page/posts", "/page/people", "/i/oauth2/authorize"):
        assert world.http.post(path, data=FORM, headers=headers).status_code == 403
    assert len(world.http.get("/sandbox/posts").json()["data"]) == before


@pytest.mark.parametrize("headers", FOREIGN)
def test_cross_site_scripts_cannot_call_the_control_api(world: SandboxWorld, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/sandbox/posts"), ("DELETE", "/sandbox/posts/1"), ("POST", "/sandbox/samples")):
        assert world.http.request(method, path, json=FORM, headers=headers).status_code == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_same_origin_forms_are_accepted(world: SandboxWorld, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Origin": "null"}  # browsers that send Sec-Fetch-Site may hide the origin
    assert world.http.post("/page/posts", data=FORM, headers=headers).status_code == 303
    host = str(world.http.base_url).removeprefix("http://").rstrip("/")
    assert world.http.post("/page/posts", data=FORM, headers={"Origin": f"http://{host}"}).status_code == 303


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8001", "127.0.0.1.evil.example", "[", "localhost.evil.example"]
)
def test_foreign_host_names_are_rejected(world: SandboxWorld, host: str) -> None:
    for path in ("/", "/sandbox/posts", "/sandbox/state", "/page/events", "/openapi.json"):
        assert world.http.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost:9", "127.0.0.1", "[::1]:8001", "sandbox:8001", "app.localhost", "192.168.1.7"]
)
def test_local_host_names_and_addresses_are_accepted(world: SandboxWorld, host: str) -> None:
    assert world.http.get("/sandbox/state", headers={"Host": host}).status_code == 200


def test_the_signed_api_accepts_any_host(world: SandboxWorld) -> None:
    response = world.http.get("/2/users/me", headers={"Host": "tunnel.example", "Origin": EVIL})
    assert response.status_code == 401
