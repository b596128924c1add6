"""The world: people post, reply, delete, hang pictures. Keeps memory and disk in step; knows no HTTP."""

import random
from collections.abc import Iterable

from sandbox import lang, manners, rules, texts, writing
from sandbox.account import Caps
from sandbox.bell import Bell
from sandbox.clock import Clock, Snowflakes, TurningClock, ms_of
from sandbox.images import sniff
from sandbox.index import Shelf
from sandbox.model import Draft, Json, Media, Person, Post, Refused, Upload
from sandbox.settings import Settings
from sandbox.store import Store, gone

MAX_PREFIX = 50
MAX_GIF_BYTES = 15 * 1024 * 1024


class World:
    def __init__(self, settings: Settings, clock: Clock, store: Store) -> None:
        self.settings, self.clock, self.store = settings, TurningClock(clock), store
        self.ids = Snowflakes(self.clock, settings.seed)
        self.bell = Bell()
        self.people: dict[int, Person] = {}
        self.by_handle: dict[str, Person] = {}
        self.shelf = Shelf()
        self.media: dict[int, Media] = {}
        self.uploads: dict[int, Upload] = {}
        self.gone: dict[int, Json] = {}
        self._load()

    def _load(self) -> None:
        for person in self.store.people():
            self._know(person)
        for post in self.store.posts():
            self.shelf.add(post)
        for post in list(self.shelf.posts.values()):
            if post.edit_history[-1] != post.id:
                self.shelf.set_aside(post)
        self.media = {media.id: media for media in self.store.media()}
        self.gone = {body["id"]: body for body in self.store.gone()}
        for body in self.gone.values():
            self.shelf.count(body["id"], body["author_id"], reply=bool(body.get("reply")))
        self.facts = self.store.facts()
        if "clock" in self.facts:
            self.clock.restore(self.facts["clock"])
        self.ids.last = max([0, *self.shelf.posts, *self.media, *self.gone, *self.people])

    @property
    def caps(self) -> Caps:
        return Caps(**self.facts.get("caps", {}))

    @property
    def manners(self) -> manners.Manners:
        return manners.Manners(**self.facts.get("manners", {}))

    # people

    @property
    def bot(self) -> Person:
        return self.by_handle[self.settings.bot.lower()]

    def person(self, handle: str) -> Person | None:
        return self.by_handle.get(handle.lower())

    def add_person(
        self, username: str, name: str = "", *, description: str = "", created_ms: int | None = None
    ) -> Person:
        now = self.clock.now_ms()
        chance = random.Random(f"{self.settings.seed}:{username.lower()}")  # noqa: S311 a toy crowd
        person = Person(
            id=self.ids.next() if created_ms is None else self.ids.at(created_ms, username),
            username=username,
            name=texts.scrub(name).strip()[:50] or username,
            created_ms=created_ms or now,
            description=description,
            followers=chance.randrange(3, 4000),
            following=chance.randrange(3, 900),
        )
        self.save(person)
        self._know(person)
        self.bell.ring()
        return person

    def change(self, person: Person, **values: object) -> None:
        """New values of a person's fields; who blocks somebody ends the following on both sides, as on X."""
        for name, value in values.items():
            setattr(person, name, value)
        parted = [self.people[i] for i in person.blocking if i in self.people]
        for other in parted:
            other.follows = [i for i in other.follows if i != person.id]
        person.follows = [i for i in person.follows if i not in person.blocking]
        self.save(person, *parted)
        self.bell.ring()

    def rename(self, person: Person, username: str) -> None:
        """Give a person another handle; the old one is free at once, as on X. Their posts keep the words they have."""
        holder = self.person(username)
        if person is self.bot:
            raise Refused("not-renamed", "The bot's handle is a setting: SANDBOX_BOT.")
        if holder is not None and holder is not person:
            raise Refused("not-renamed", f"@{username} is somebody else's.")
        del self.by_handle[person.username.lower()]
        person.username = username
        self.save(person)
        self._know(person)
        self.bell.ring()

    def _know(self, person: Person) -> None:
        self.people[person.id] = person
        self.by_handle[person.username.lower()] = person

    def save(self, *things: Person | Post | Media, **facts: object) -> None:
        with self.store.transaction():
            for thing in things:
                self.store.put(thing)
            for name, value in facts.items():
                self.store.put_fact(name, value)
        self.facts.update(facts)

    # posts

    def post(self, draft: Draft, **facts: object) -> Post:
        """Raises `Refused` when a rule says no; otherwise post and facts are on disk when this returns."""
        draft.text = texts.scrub(draft.text).strip()
        rules.check(self, draft)
        if draft.through_api:
            manners.check(self, draft)
        post = self._made(draft)
        media = [self.media[media_id] for media_id in post.media_ids]
        for picture in media:
            picture.post_id = picture.post_id or post.id
        self.save(post, *media, **facts)
        self.shelf.add(post)
        self.bell.ring()
        return post

    def supersede(self, old: Post, draft: Draft) -> Post:
        """A new version in the place of `old`, which is found by its id only from now on."""
        draft.text = texts.scrub(draft.text).strip()
        post = self._made(draft)
        post.conversation_id = old.conversation_id
        history = [*old.edit_history, post.id]
        versions = [*self.existing(old.edit_history), post]
        pictures = self.pictures(post)
        for version in versions:
            version.edit_history = history
        for picture in pictures:
            picture.post_id = post.id
        self.save(*versions, *pictures)
        self.shelf.set_aside(old)
        self.shelf.add(post)
        self.bell.ring()
        return post

    def first_ms(self, post: Post) -> int:
        """When the first version of a post was written."""
        return ms_of(post.edit_history[0])

    def _made(self, draft: Draft) -> Post:
        post_id = self.ids.next()
        parent = self.shelf.posts.get(draft.in_reply_to_id or 0)
        prefix = self._prefix(draft, parent)
        written = writing.write(
            self._repost_text(draft),
            prefix=prefix,
            tails=self._tails(draft, post_id),
            find=self.person,
            post_id=post_id,
            self_url=permalink(draft.author, post_id),
        )
        return Post(
            id=post_id,
            author_id=draft.author.id,
            said=draft.text,
            text=written.text,
            entities=written.entities,
            display=written.display,
            note=written.note,
            conversation_id=parent.conversation_id if parent else post_id,
            created_ms=ms_of(post_id),
            lang=lang.guess(texts.pieces(draft.text)),
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
        original = self.shelf.posts.get(draft.repost_of_id or 0)
        if original is None:
            return draft.text
        text = f"RT @{self.people[original.author_id].username}: {original.said}"
        return text if len(text) <= 140 else text[:139] + "…"

    def _prefix(self, draft: Draft, parent: Post | None) -> list[Person]:
        """Author of the parent, then whom the parent mentions; not oneself, nor whom the text names already."""
        if parent is None:
            return []
        said = {piece.value.lower() for piece in texts.pieces(draft.text) if piece.kind == "mention"}
        ids = dict.fromkeys([parent.author_id, *parent.mentioned_ids()])
        wanted = [i for i in ids if i == parent.author_id or i not in draft.leave_out_ids]
        people = [self.people[i] for i in wanted if i in self.people and i != draft.author.id]
        return [person for person in people if person.username.lower() not in said][:MAX_PREFIX]

    def _tails(self, draft: Draft, post_id: int) -> list[writing.Tail]:
        tails = []
        quoted = self.shelf.posts.get(draft.quote_of_id or 0)
        if quoted is not None:
            url = permalink(self.people[quoted.author_id], quoted.id)
            tails.append(writing.Tail(url, texts.shown_link(url)))
        if draft.media_ids:
            keys = [self.media[media_id].key for media_id in draft.media_ids]
            tails.append(writing.Tail(f"{permalink(draft.author, post_id)}/photo/1", "", keys))
        return tails

    def delete(self, post: Post) -> None:
        """The post, all its versions and its pictures vanish; replies stay where they are, as on X."""
        versions = self.existing(post.edit_history)
        pictures = [picture for picture in self.pictures(post) if picture.post_id in post.edit_history]
        with self.store.transaction():
            for version in versions:
                self.store.put_gone(version)
            for picture in pictures:
                self.store.drop_media(picture)
        for version in versions:
            self.shelf.remove(version)
            self.gone[version.id] = gone(version)
        for picture in pictures:
            del self.media[picture.id]
            self.store.drop_bytes(picture.file)
        self.bell.ring()

    def pictures(self, post: Post) -> list[Media]:
        return [self.media[i] for i in post.media_ids if i in self.media]

    def existing(self, ids: Iterable[int]) -> list[Post]:
        return [self.shelf.posts[i] for i in ids if i in self.shelf.posts]

    # pictures

    def add_picture(self, owner: Person, data: bytes, alt_text: str = "", *, media_id: int | None = None) -> Media:
        """Bytes first, row second: a row never points at nothing."""
        kind = sniff(data)
        if kind is None:
            raise Refused("media-type", "The media is not a PNG, JPEG, GIF or WebP picture.")
        largest = MAX_GIF_BYTES if kind.mime == "image/gif" else rules.MAX_PICTURE_BYTES
        if len(data) > largest:
            raise Refused("media-size", f"The media is larger than {largest // 1024 // 1024} MB.")
        media = Media(
            id=media_id or self.ids.next(),
            owner_id=owner.id,
            mime=kind.mime,
            ext=kind.ext,
            width=kind.width,
            height=kind.height,
            size=len(data),
            created_ms=self.clock.now_ms(),
            alt_text=texts.scrub(alt_text)[: rules.MAX_ALT],
        )
        self.store.put_bytes(media.file, data)
        self.save(media)
        self.media[media.id] = media
        return media

    def drop_picture(self, media: Media) -> None:
        with self.store.transaction():
            self.store.drop_media(media)
        del self.media[media.id]
        self.store.drop_bytes(media.file)

    def describe(self, media: Media, *, alt_text: str | None = None, warning: dict[str, bool] | None = None) -> None:
        media.alt_text = media.alt_text if alt_text is None else texts.scrub(alt_text)
        media.warning = media.warning if warning is None else warning
        media.sensitive = media.sensitive if warning is None else any(warning.values())
        self.save(media)
        self.bell.ring()


def permalink(author: Person, post_id: int) -> str:
    return f"https://x.com/{author.username}/status/{post_id}"
