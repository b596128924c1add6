"""Use the gallery as a signed-in member, through the same pages and forms as a browser."""

import re

import httpx

TIMEOUT_SECONDS = 20.0
# A page that needs a sign-in and holds a form.
FIRST_PAGE = "/me/boards"
CSRF_FIELD = re.compile(r'name="token" value="([^"]+)"')


class Member:
    """A user of the sandbox who is signed in to the gallery.

    Raises httpx.HTTPError if a request fails.
    """

    def __init__(self, handle: str, gallery: str) -> None:
        self._http = httpx.Client(base_url=gallery, timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=True)
        consent = self._http.get("/auth/x/login", params={"next": FIRST_PAGE}).raise_for_status()
        page = self._http.post(consent.url, data={"decision": "allow", "person": handle}).raise_for_status()
        found = CSRF_FIELD.search(page.text)
        if found is None:
            raise httpx.RequestError(f"{page.url} has no form: the sign-in failed", request=page.request)
        self._token = found[1]

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form and return the answer as JSON."""
        answer = self._http.post(path, data={"token": self._token, **fields}, headers={"accept": "application/json"})
        return answer.raise_for_status()

    def sign_out(self) -> None:
        """End the session, so that the member's list of sessions shows only those of visitors."""
        self.send("/sign-out")
        self._http.close()
