"""Pages of other sites, open in a browser on the same machine, cannot post here, drive the sandbox or read it."""

import pytest

EVIL = "http://evil.example"
FORM = {"author": "oldtomcat", "text": "@threadpaint a boat"}
FOREIGN = [{"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_of_another_site_posts_nothing(play, headers):
    before = len(play.http.get("/sandbox/posts").json()["data"])
    for path in ("/page/posts", "/page/people", "/i/oauth2/authorize"):
        assert play.http.post(path, data=FORM, headers=headers).status_code == 403
    assert len(play.http.get("/sandbox/posts").json()["data"]) == before


@pytest.mark.parametrize("headers", FOREIGN)
def test_nor_does_a_script_of_another_site_drive_it(play, headers):
    for method, path in (("POST", "/sandbox/posts"), ("DELETE", "/sandbox/posts/1"), ("POST", "/sandbox/samples")):
        assert play.http.request(method, path, json=FORM, headers=headers).status_code == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_ones_own_form_is_taken(play, site):
    headers = {"Sec-Fetch-Site": site, "Origin": "null"}  # browsers that tell the site may hide the origin
    assert play.http.post("/page/posts", data=FORM, headers=headers).status_code == 303
    host = str(play.http.base_url).removeprefix("http://").rstrip("/")
    assert play.http.post("/page/posts", data=FORM, headers={"Origin": f"http://{host}"}).status_code == 303


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8001", "127.0.0.1.evil.example", "[", "localhost.evil.example"]
)
def test_a_foreign_name_that_leads_here_reads_nothing(play, host):
    for path in ("/", "/sandbox/posts", "/sandbox/state", "/page/bell", "/openapi.json"):
        assert play.http.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost:9", "127.0.0.1", "[::1]:8001", "sandbox:8001", "app.localhost", "192.168.1.7"]
)
def test_this_machine_and_names_of_a_network_are_no_foreign_names(play, host):
    assert play.http.get("/sandbox/state", headers={"Host": host}).status_code == 200


def test_the_signed_api_needs_no_such_rule(play):
    answer = play.http.get("/2/users/me", headers={"Host": "tunnel.example", "Origin": EVIL})
    assert answer.status_code == 401
