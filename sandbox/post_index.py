"""Index posts in memory by id, author, conversation, parent, quote and mention."""

from bisect import bisect_left, insort
from collections import defaultdict

from sandbox.model import Post


class PostIndex:
    """Sorted lists of ids, so that a time window takes two bisections."""

    def __init__(self) -> None:
        self.posts: dict[int, Post] = {}
        self.all: list[int] = []
        self.by_author: dict[int, list[int]] = defaultdict(list)
        self.by_conversation: dict[int, list[int]] = defaultdict(list)
        self.replies: dict[int, list[int]] = defaultdict(list)
        self.quotes: dict[int, list[int]] = defaultdict(list)
        self.mentions: dict[int, list[int]] = defaultdict(list)
        # All posts of an author, deleted ones included: they count for the daily cap.
        self.written_posts: dict[int, list[int]] = defaultdict(list)
        self.written_replies: dict[int, list[int]] = defaultdict(list)
        # The lists that contain a post: the posts it refers to may be deleted first.
        self._lists_by_post: dict[int, list[list[int]]] = {}

    def add(self, post: Post) -> None:
        self.posts[post.id] = post
        self._lists_by_post[post.id] = self._lists_of(post)
        for ids in self._lists_by_post[post.id]:
            insort(ids, post.id)
        self.count(post.id, post.author_id, reply=post.in_reply_to_id is not None)

    def count(self, post_id: int, author_id: int, *, reply: bool) -> None:
        written = (self.written_replies if reply else self.written_posts)[author_id]
        if post_id not in ids_between(written, after=post_id - 1, before=post_id + 1):
            insort(written, post_id)

    def supersede(self, post: Post) -> None:
        """Take an older version of an edited post out of all lists; it stays available by id."""
        for ids in self._lists_by_post[post.id]:
            del ids[bisect_left(ids, post.id)]
        self._lists_by_post[post.id] = []

    def remove(self, post: Post) -> None:
        del self.posts[post.id]
        for ids in self._lists_by_post.pop(post.id):
            del ids[bisect_left(ids, post.id)]

    def _lists_of(self, post: Post) -> list[list[int]]:
        lists = [self.all, self.by_author[post.author_id], self.by_conversation[post.conversation_id]]
        if post.in_reply_to_id is not None:
            lists.append(self.replies[post.in_reply_to_id])
        if post.quote_of_id is not None:
            lists.append(self.quotes[post.quote_of_id])
        return lists + [self.mentions[person_id] for person_id in self._mention_timeline_users(post)]

    def _mention_timeline_users(self, post: Post) -> list[int]:
        """Return the users whose mentions timeline has the post: the mentioned ones and the author of a quoted post."""
        if post.repost_of_id is not None:
            return []
        people = post.mentioned_ids()
        quoted = self.posts.get(post.quote_of_id or 0)
        if quoted is not None and quoted.author_id not in people:
            people.append(quoted.author_id)
        return people


def ids_between(ids: list[int], *, after: int | None = None, before: int | None = None) -> list[int]:
    """Return the ids strictly between `after` and `before`."""
    start = bisect_left(ids, after + 1) if after is not None else 0
    end = bisect_left(ids, before) if before is not None else len(ids)
    return ids[start:end]
