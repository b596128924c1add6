"""Post on the sandbox as its users, and find the bot's replies, through the control API."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

MAX_POSTS = 1000


@dataclass(frozen=True)
class XPost:
    """A post on the sandbox."""

    id: str
    author: str
    text: str


class SandboxX:
    """The sandbox at a URL. Raises httpx.HTTPError if a request fails."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self._url, self._http = f"{url}/sandbox", http

    def posts(self) -> list[XPost]:
        """Return all posts, oldest first."""
        return list(self._read("/posts", limit=MAX_POSTS))[::-1]

    def post(self, author: str, text: str, reply_to_id: str | None) -> str:
        """Post as a user. Return the post's id."""
        body = {"author": author, "text": text, "in_reply_to": reply_to_id}
        return str(self._http.post(f"{self._url}/posts", json=body).raise_for_status().json()["id"])

    def find_post(self, author: str, text: str) -> str | None:
        """Return the id of a user's post with this text, after the handle that X puts before a reply."""
        return next((post.id for post in self.posts() if post.author == author and post.text.endswith(text)), None)

    def find_reply(self, post_id: str, author: str) -> str | None:
        """Return the id of a user's first reply to a post."""
        return next((reply.id for reply in self._read(f"/posts/{post_id}/replies") if reply.author == author), None)

    def _read(self, path: str, **params: int) -> Iterator[XPost]:
        answer = self._http.get(self._url + path, params=params).raise_for_status()
        for post in answer.json()["data"]:
            yield XPost(str(post["id"]), str(post["author"]["username"]), str(post["text"]))
