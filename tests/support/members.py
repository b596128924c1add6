"""A member of the gallery without a browser: signs in through the sandbox, and repeats forms until they succeed."""

import re
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import tenacity

A_TOKEN = re.compile(r'name="token" value="([^"]+)"')
# Members repeat a form that got no response, because the site is down or its database busy.
UNTIL_ACCEPTED = tenacity.retry(
    retry=tenacity.retry_if_exception_type(httpx.HTTPError),
    wait=tenacity.wait_fixed(0.2),
    stop=tenacity.stop_after_delay(60),
    reraise=True,
)


@dataclass
class Member:
    """A signed-in user. `galleries`: processes of the same site, used in turn."""

    handle: str
    galleries: list[str]
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=20))
    token: str = ""
    sent: int = 0

    @UNTIL_ACCEPTED
    def sign_in(self) -> None:
        """Sign in on the sandbox's consent page."""
        to_x = self.http.get(f"{self.galleries[0]}/auth/x/login").headers["location"]
        back = self.http.post(to_x, data={"decision": "allow", "other": self.handle}).headers["location"]
        self.http.get(back, follow_redirects=True).raise_for_status()
        page = self.http.get(f"{self.galleries[0]}/").raise_for_status().text
        self.token = A_TOKEN.findall(page)[0]

    def send_twice(self, path: str, **fields: str) -> str:
        """Send a form, lose the response, and send it again. Return the redirect location."""
        with suppress(httpx.TransportError):
            short_timeout = httpx.Timeout(20, read=0.005)
            self.http.post(self.galleries[0] + path, data={"token": self.token, **fields}, timeout=short_timeout)
        return self.send(path, **fields)

    @UNTIL_ACCEPTED
    def send(self, path: str, **fields: str) -> str:
        """Send a form until it is accepted. Return the redirect location."""
        self.sent += 1
        gallery = self.galleries[self.sent % len(self.galleries)]
        answer = self.http.post(gallery + path, data={"token": self.token, **fields})
        if answer.has_redirect_location:
            return answer.headers["location"]
        answer.raise_for_status()
        raise AssertionError(f"{path} does not redirect: {answer.status_code}")
