"""Finds posts: by id, author, thread, parent, and by whom they mention. In memory; knows no disk and no rules."""

from bisect import bisect_left, insort
from collections import defaultdict

from sandbox.model import Post


class Shelf:
    """Every list of ids grows upwards, so a time window is two bisections."""

    def __init__(self) -> None:
        self.posts: dict[int, Post] = {}
        self.all: list[int] = []
        self.by_author: dict[int, list[int]] = defaultdict(list)
        self.by_conversation: dict[int, list[int]] = defaultdict(list)
        self.replies: dict[int, list[int]] = defaultdict(list)
        self.quotes: dict[int, list[int]] = defaultdict(list)
        self.mentions: dict[int, list[int]] = defaultdict(list)
        # All that an author ever wrote, deleted posts included: a daily cap does not forget them.
        self.written_posts: dict[int, list[int]] = defaultdict(list)
        self.written_replies: dict[int, list[int]] = defaultdict(list)
        # Where a post was put: what it points at may be deleted before it is.
        self._places: dict[int, list[list[int]]] = {}

    def add(self, post: Post) -> None:
        self.posts[post.id] = post
        self._places[post.id] = self._lists_of(post)
        for ids in self._places[post.id]:
            insort(ids, post.id)
        self.count(post.id, post.author_id, reply=post.in_reply_to_id is not None)

    def count(self, post_id: int, author_id: int, *, reply: bool) -> None:
        written = (self.written_replies if reply else self.written_posts)[author_id]
        if post_id not in window(written, after=post_id - 1, before=post_id + 1):
            insort(written, post_id)

    def set_aside(self, post: Post) -> None:
        """An older version of an edited post: still there by its id, in no list."""
        for ids in self._places[post.id]:
            del ids[bisect_left(ids, post.id)]
        self._places[post.id] = []

    def remove(self, post: Post) -> None:
        del self.posts[post.id]
        for ids in self._places.pop(post.id):
            del ids[bisect_left(ids, post.id)]

    def _lists_of(self, post: Post) -> list[list[int]]:
        lists = [self.all, self.by_author[post.author_id], self.by_conversation[post.conversation_id]]
        if post.in_reply_to_id is not None:
            lists.append(self.replies[post.in_reply_to_id])
        if post.quote_of_id is not None:
            lists.append(self.quotes[post.quote_of_id])
        return lists + [self.mentions[person_id] for person_id in self._summoned(post)]

    def _summoned(self, post: Post) -> list[int]:
        """Whose mentions timeline shows it: handles (typed or from the prefix) and the author of a quoted post."""
        if post.repost_of_id is not None:
            return []
        people = post.mentioned_ids()
        quoted = self.posts.get(post.quote_of_id or 0)
        if quoted is not None and quoted.author_id not in people:
            people.append(quoted.author_id)
        return people


def window(ids: list[int], *, after: int | None = None, before: int | None = None) -> list[int]:
    """The ids strictly between two others."""
    start = bisect_left(ids, after + 1) if after is not None else 0
    end = bisect_left(ids, before) if before is not None else len(ids)
    return ids[start:end]
