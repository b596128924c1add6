"""Hold all users, posts and media in memory, and write every change to the store."""

import random
from collections.abc import Iterable

from sandbox import draft_validation, lang, post_builder, posting_rules, text_parser
from sandbox.change_notifier import ChangeNotifier
from sandbox.clock import AdjustableClock, Clock, Snowflakes, snowflake_ms
from sandbox.daily_caps import Caps
from sandbox.image_sniff import sniff
from sandbox.model import Draft, Json, Media, Post, RuleViolation, Upload, User
from sandbox.post_index import PostIndex
from sandbox.settings import SandboxSettings
from sandbox.store import Store, tombstone

MAX_PREFIX = 50
MAX_GIF_BYTES = 15 * 1024 * 1024


class World:
    def __init__(self, settings: SandboxSettings, clock: Clock, store: Store) -> None:
        self.settings, self.clock, self.store = settings, AdjustableClock(clock), store
        self.ids = Snowflakes(self.clock, settings.seed)
        self.changes = ChangeNotifier()
        self.people: dict[int, User] = {}
        self.by_handle: dict[str, User] = {}
        self.post_index = PostIndex()
        self.media: dict[int, Media] = {}
        self.uploads: dict[int, Upload] = {}
        self.tombstones: dict[int, Json] = {}
        self._load()

    def _load(self) -> None:
        for person in self.store.people():
            self._register(person)
        for post in self.store.posts():
            self.post_index.add(post)
        for post in list(self.post_index.posts.values()):
            if post.edit_history[-1] != post.id:
                self.post_index.supersede(post)
        self.media = {media.id: media for media in self.store.media()}
        self.tombstones = {body["id"]: body for body in self.store.tombstones()}
        for body in self.tombstones.values():
            self.post_index.count(body["id"], body["author_id"], reply=bool(body.get("reply")))
        self.facts = self.store.facts()
        if "clock" in self.facts:
            self.clock.restore(self.facts["clock"])
        self.ids.last = max([0, *self.post_index.posts, *self.media, *self.tombstones, *self.people])

    @property
    def caps(self) -> Caps:
        return Caps(**self.facts.get("caps", {}))

    @property
    def posting_rules(self) -> posting_rules.PostingRules:
        return posting_rules.PostingRules(**self.facts.get("posting_rules", {}))

    @property
    def bot(self) -> User:
        return self.by_handle[self.settings.bot.lower()]

    def find_person(self, handle: str) -> User | None:
        return self.by_handle.get(handle.lower())

    def add_person(
        self, username: str, name: str = "", *, description: str = "", created_ms: int | None = None
    ) -> User:
        now = self.clock.now_ms()
        rng = random.Random(f"{self.settings.seed}:{username.lower()}")  # noqa: S311 reproducible, not secret
        person = User(
            id=self.ids.next() if created_ms is None else self.ids.at(created_ms, username),
            username=username,
            name=text_parser.scrub(name).strip()[:50] or username,
            created_ms=created_ms or now,
            description=description,
            followers=rng.randrange(3, 4000),
            following=rng.randrange(3, 900),
        )
        self.save(person)
        self._register(person)
        self.changes.notify()
        return person

    def update_person(self, person: User, **values: object) -> None:
        """Set fields of a person. A block removes follows in both directions, as on X."""
        for name, value in values.items():
            setattr(person, name, value)
        blocked = [self.people[i] for i in person.blocking if i in self.people]
        for other in blocked:
            other.follows = [i for i in other.follows if i != person.id]
        person.follows = [i for i in person.follows if i not in person.blocking]
        self.save(person, *blocked)
        self.changes.notify()

    def rename_person(self, person: User, username: str) -> None:
        """Give a person another handle. The old one is free at once, as on X; existing posts keep their text."""
        holder = self.find_person(username)
        if person is self.bot:
            raise RuleViolation("not-renamed", "The bot's handle is a setting: SANDBOX_BOT.")
        if holder is not None and holder is not person:
            raise RuleViolation("not-renamed", f"@{username} is taken.")
        del self.by_handle[person.username.lower()]
        person.username = username
        self.save(person)
        self._register(person)
        self.changes.notify()

    def _register(self, person: User) -> None:
        self.people[person.id] = person
        self.by_handle[person.username.lower()] = person

    def save(self, *things: User | Post | Media, **facts: object) -> None:
        with self.store.transaction():
            for thing in things:
                self.store.put(thing)
            for name, value in facts.items():
                self.store.put_fact(name, value)
        self.facts.update(facts)

    def create_post(self, draft: Draft, **facts: object) -> Post:
        """Create a post and store it together with `facts`. Raise `RuleViolation` if it breaks a rule."""
        draft.text = text_parser.scrub(draft.text).strip()
        draft_validation.check(self, draft)
        if draft.through_api:
            posting_rules.check(self, draft)
        post = self._build_post(draft)
        media = [self.media[media_id] for media_id in post.media_ids]
        for picture in media:
            picture.post_id = picture.post_id or post.id
        self.save(post, *media, **facts)
        self.post_index.add(post)
        self.changes.notify()
        return post

    def supersede(self, old: Post, draft: Draft) -> Post:
        """Create a new version of `old`, which stays available by id only."""
        draft.text = text_parser.scrub(draft.text).strip()
        post = self._build_post(draft)
        post.conversation_id = old.conversation_id
        history = [*old.edit_history, post.id]
        versions = [*self.existing_posts(old.edit_history), post]
        pictures = self.pictures(post)
        for version in versions:
            version.edit_history = history
        for picture in pictures:
            picture.post_id = post.id
        self.save(*versions, *pictures)
        self.post_index.supersede(old)
        self.post_index.add(post)
        self.changes.notify()
        return post

    def original_created_ms(self, post: Post) -> int:
        """Return when the first version of a post was written."""
        return snowflake_ms(post.edit_history[0])

    def _build_post(self, draft: Draft) -> Post:
        post_id = self.ids.next()
        parent = self.post_index.posts.get(draft.in_reply_to_id or 0)
        prefix = self._prefix(draft, parent)
        built = post_builder.build_text(
            self._repost_text(draft),
            prefix=prefix,
            links=self._appended_links(draft, post_id),
            find=self.find_person,
            post_id=post_id,
            self_url=permalink(draft.author, post_id),
        )
        return Post(
            id=post_id,
            author_id=draft.author.id,
            said=draft.text,
            text=built.text,
            entities=built.entities,
            display=built.display,
            note=built.note,
            conversation_id=parent.conversation_id if parent else post_id,
            created_ms=snowflake_ms(post_id),
            lang=lang.guess(text_parser.parse_pieces(draft.text)),
            in_reply_to_id=parent.id if parent else None,
            in_reply_to_user_id=parent.author_id if parent else None,
            quote_of_id=draft.quote_of_id,
            repost_of_id=draft.repost_of_id,
            media_ids=draft.media_ids,
            edit_history=[post_id],
            reply_settings=draft.reply_settings,
            made_with_ai=draft.made_with_ai,
            paid_partnership=draft.paid_partnership,
        )

    def _repost_text(self, draft: Draft) -> str:
        original = self.post_index.posts.get(draft.repost_of_id or 0)
        if original is None:
            return draft.text
        text = f"RT @{self.people[original.author_id].username}: {original.said}"
        return text if len(text) <= 140 else text[:139] + "…"

    def _prefix(self, draft: Draft, parent: Post | None) -> list[User]:
        """Return the leading mentions of a reply: the parent's author and mentions that the text does not name."""
        if parent is None:
            return []
        typed_handles = {
            piece.value.lower() for piece in text_parser.parse_pieces(draft.text) if piece.kind == "mention"
        }
        ids = dict.fromkeys([parent.author_id, *parent.mentioned_ids()])
        user_ids = [i for i in ids if i == parent.author_id or i not in draft.excluded_user_ids]
        people = [self.people[i] for i in user_ids if i in self.people and i != draft.author.id]
        return [person for person in people if person.username.lower() not in typed_handles][:MAX_PREFIX]

    def _appended_links(self, draft: Draft, post_id: int) -> list[post_builder.AppendedLink]:
        links = []
        quoted = self.post_index.posts.get(draft.quote_of_id or 0)
        if quoted is not None:
            url = permalink(self.people[quoted.author_id], quoted.id)
            links.append(post_builder.AppendedLink(url, text_parser.display_url(url)))
        if draft.media_ids:
            keys = [self.media[media_id].key for media_id in draft.media_ids]
            links.append(post_builder.AppendedLink(f"{permalink(draft.author, post_id)}/photo/1", "", keys))
        return links

    def delete(self, post: Post) -> None:
        """Delete the post with all versions and media. Replies stay, as on X."""
        versions = self.existing_posts(post.edit_history)
        pictures = [picture for picture in self.pictures(post) if picture.post_id in post.edit_history]
        with self.store.transaction():
            for version in versions:
                self.store.put_tombstone(version)
            for picture in pictures:
                self.store.delete_media(picture)
        for version in versions:
            self.post_index.remove(version)
            self.tombstones[version.id] = tombstone(version)
        for picture in pictures:
            del self.media[picture.id]
            self.store.delete_bytes(picture.file)
        self.changes.notify()

    def pictures(self, post: Post) -> list[Media]:
        return [self.media[i] for i in post.media_ids if i in self.media]

    def existing_posts(self, ids: Iterable[int]) -> list[Post]:
        return [self.post_index.posts[i] for i in ids if i in self.post_index.posts]

    def add_media(self, owner: User, data: bytes, alt_text: str = "", *, media_id: int | None = None) -> Media:
        """Store an image. Its file is written before its row, so that no row lacks its file."""
        info = sniff(data)
        if info is None:
            raise RuleViolation("media-type", "The media is not a PNG, JPEG, GIF or WebP image.")
        max_bytes = MAX_GIF_BYTES if info.mime == "image/gif" else draft_validation.MAX_PICTURE_BYTES
        if len(data) > max_bytes:
            raise RuleViolation("media-size", f"The media is larger than {max_bytes // 1024 // 1024} MB.")
        media = Media(
            id=media_id or self.ids.next(),
            owner_id=owner.id,
            mime=info.mime,
            ext=info.ext,
            width=info.width,
            height=info.height,
            size=len(data),
            created_ms=self.clock.now_ms(),
            alt_text=text_parser.scrub(alt_text)[: draft_validation.MAX_ALT],
        )
        self.store.put_bytes(media.file, data)
        self.save(media)
        self.media[media.id] = media
        return media

    def delete_media(self, media: Media) -> None:
        with self.store.transaction():
            self.store.delete_media(media)
        del self.media[media.id]
        self.store.delete_bytes(media.file)

    def set_media_metadata(
        self, media: Media, *, alt_text: str | None = None, warning: dict[str, bool] | None = None
    ) -> None:
        media.alt_text = media.alt_text if alt_text is None else text_parser.scrub(alt_text)
        media.warning = media.warning if warning is None else warning
        media.sensitive = media.sensitive if warning is None else any(warning.values())
        self.save(media)
        self.changes.notify()


def permalink(author: User, post_id: int) -> str:
    return f"https://x.com/{author.username}/status/{post_id}"
