"""Do the steps of the script. A step that a kill interrupted finds what it did before."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

import httpx

from core.demo.life.actions import OPENING, Action, Board, Comment, Follow, Like, Post, Remix
from core.demo.life.member import TIMEOUT_SECONDS, Member
from core.demo.life.progress import Progress
from core.demo.life.sandbox_x import SandboxX

# For one picture and its reply, on a machine that is busy with other work.
WAIT_SECONDS = 90.0
POLL_INTERVAL = 0.4
# A remix that was under way when the demo was killed is public within this time.
RESUME_SECONDS = 5.0


class StepFailed(Exception):
    """A step could not be done; the text says why. The script goes on without it."""


@dataclass
class Actor:
    """Does the steps, and saves the ids of what they make. `bot`: its handle. `is_resumed`: after a kill.

    Its functions raise StepFailed, and httpx.HTTPError if a request fails.
    """

    gallery: str
    x: SandboxX
    progress: Progress
    bot: str
    is_resumed: bool = False
    members: dict[str, Member] = field(default_factory=dict)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False))

    def find_samples(self, handles: Collection[str]) -> None:
        """Name the first creation of each of these users `first:HANDLE`, and the bot's opening post. Wait for all."""
        ids = self.progress.ids
        for post in self.x.posts():
            if post.author == self.bot:
                ids.setdefault(f"reply:{OPENING}", post.id)
            elif post.author in handles:
                ids.setdefault(f"post:first:{post.author}", post.id)
        for handle in handles:
            self._creation(f"first:{handle}")

    def do(self, action: Action) -> None:
        """Do one step."""
        match action:
            case Post():
                self._post(action)
            case Remix():
                self._remix(action)
            case Like():
                for handle in action.by:
                    self._member(handle).send(f"/c/{self._creation(action.of)}/like")
            case Comment():
                self._comment(action)
            case Follow():
                for handle in action.handles:
                    self._member(action.author).send(f"/@{handle}/follow")
            case Board():
                self._fill_board(action)
        self.is_resumed = False

    def sign_out(self) -> None:
        """Sign out everyone who signed in."""
        for member in self.members.values():
            member.sign_out()

    def _post(self, post: Post) -> None:
        ids = self.progress.ids
        text, reply_to = post.text.format(bot=self.bot), self._reply(post.reply_to) if post.reply_to else None
        earlier = self.x.find_post(post.author, text) if self.is_resumed else None
        ids[f"post:{post.name}"] = earlier or self.x.post(post.author, text, reply_to)
        self._creation(post.name)

    def _remix(self, remix: Remix) -> None:
        parent = self._creation(remix.of)
        made = self._find_interrupted(remix) if self.is_resumed else None
        if made is None:
            fields = {
                "remix": parent,
                "prompt": remix.prompt,
                "aspect_ratio": remix.aspect_ratio,
                "count": str(remix.count),
                "style": remix.style,
                "init_image": "" if remix.picture is None else f"picture:{remix.picture}",
                "idempotency_key": f"demo-{remix.name}",
            }
            made = str(self._member(remix.author).send("/paint", **fields).json()["id"])
        self._wait_for(partial(self._find_public, made), f"no picture for {remix.name}")
        self.progress.ids[remix.name] = made

    def _comment(self, comment: Comment) -> None:
        parent = self.progress.ids.get(f"comment:{comment.reply_to}", "") if comment.reply_to else ""
        path = f"/c/{self._creation(comment.of)}/comments"
        fields = {"text": comment.text, "parent": parent, "idempotency_key": f"demo-{comment.name}"}
        answer = self._member(comment.author).send(path, **fields)
        self.progress.ids[f"comment:{comment.name}"] = str(answer.json()["id"])

    def _fill_board(self, board: Board) -> None:
        member = self._member(board.author)
        fields = {"title": board.title, "about": board.about, "public": "yes", "idempotency_key": f"demo-{board.title}"}
        name = str(member.send("/me/boards", **fields).json()["name"])
        for creation in board.creations:
            member.send("/me/boards/collect", creation=self._creation(creation), boards=name)

    def _member(self, handle: str) -> Member:
        if handle not in self.members:
            self.members[handle] = Member(handle, self.gallery)
        return self.members[handle]

    def _creation(self, name: str) -> str:
        """Return the id of a public creation. Wait for it if it is one of a post."""
        ids = self.progress.ids
        if name not in ids:
            post_id = ids.get(f"post:{name}")
            if post_id is None:
                raise StepFailed(f"there is no creation {name}")
            find = partial(self._find_creation, "post_id", post_id)
            ids[name] = self._wait_for(find, f"no picture for {name}")
        return ids[name]

    def _reply(self, name: str) -> str:
        """Return the id of the bot's post about a creation."""
        ids, key = self.progress.ids, f"reply:{name}"
        if key not in ids:
            post_id = ids.get(f"post:{name}", "")
            ids[key] = self._wait_for(partial(self.x.find_reply, post_id, self.bot), f"no reply to {name}")
        return ids[key]

    def _find_public(self, creation_id: str) -> str | None:
        return self._find_creation("id", creation_id)

    def _find_interrupted(self, remix: Remix) -> str | None:
        try:
            return self._wait_for(partial(self._find_creation, "prompt", remix.prompt), "", within=RESUME_SECONDS)
        except StepFailed:
            return None

    def _find_creation(self, key: str, value: str) -> str | None:
        """Return the id of the newest public creation with this value."""
        items = self.http.get(f"{self.gallery}/api/creations").raise_for_status().json()["items"]
        return next((str(item["id"]) for item in items if str(item[key]) == value), None)

    def _wait_for(self, find: Callable[[], str | None], failure: str, *, within: float = WAIT_SECONDS) -> str:
        deadline = time.monotonic() + within
        while (found := find()) is None:
            if time.monotonic() > deadline:
                raise StepFailed(failure)
            time.sleep(POLL_INTERVAL)
        return found
