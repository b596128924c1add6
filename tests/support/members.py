"""A member of the gallery without a browser: signs in through the sandbox and sends forms as often as it takes."""

import re
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import tenacity

A_TOKEN = re.compile(r'name="token" value="([^"]+)"')
# What somebody does whose button brought no answer, because the site is away or its database is busy: press it again.
UNTIL_TAKEN = tenacity.retry(
    retry=tenacity.retry_if_exception_type(httpx.HTTPError),
    wait=tenacity.wait_fixed(0.2),
    stop=tenacity.stop_after_delay(60),
    reraise=True,
)


@dataclass
class Member:
    """Somebody who is signed in. `galleries`: the processes that serve the site, asked in turns."""

    handle: str
    galleries: list[str]
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=20))
    token: str = ""
    sent: int = 0

    @UNTIL_TAKEN
    def sign_in(self) -> None:
        """On X's page one picks who to be."""
        to_x = self.http.get(f"{self.galleries[0]}/sign-in/x").headers["location"]
        back = self.http.post(to_x, data={"decision": "allow", "other": self.handle}).headers["location"]
        self.http.get(back, follow_redirects=True).raise_for_status()
        page = self.http.get(f"{self.galleries[0]}/").raise_for_status().text
        self.token = A_TOKEN.findall(page)[0]

    def send_twice(self, path: str, **typed: str) -> str:
        """Send a form, hear nothing since the line breaks, and send it again. Returns where it leads."""
        with suppress(httpx.TransportError):
            hurry = httpx.Timeout(20, read=0.005)
            self.http.post(self.galleries[0] + path, data={"token": self.token, **typed}, timeout=hurry)
        return self.send(path, **typed)

    @UNTIL_TAKEN
    def send(self, path: str, **typed: str) -> str:
        """Send a form, again and again with all that was typed until it is taken. Returns where it leads."""
        self.sent += 1
        gallery = self.galleries[self.sent % len(self.galleries)]
        answer = self.http.post(gallery + path, data={"token": self.token, **typed})
        if answer.has_redirect_location:
            return answer.headers["location"]
        answer.raise_for_status()
        raise AssertionError(f"{path} leads nowhere: {answer.status_code}")
