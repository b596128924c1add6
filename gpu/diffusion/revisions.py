"""Which revision of each repository is read. Without one, weights are whatever the repository holds that day.

Whoever can write to a repository of the hub can put other weights there. A pinned commit is what was looked at, or
nothing: the hub's files are named by their content. Knows no library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Revisions:
    """`pinned`: repository (owner/name) to commit, tag or branch."""

    pinned: Mapping[str, str] = field(default_factory=dict)

    def options(self, source: str) -> dict[str, Any]:
        """What `from_pretrained` and `load_config` need to read this source: a folder never touches the network."""
        if Path(source).is_dir():
            return {"local_files_only": True}
        return self.of(source)

    def of(self, repository: str) -> dict[str, Any]:
        """`{"revision": ...}` of a repository, or nothing."""
        return {"revision": self.pinned[repository]} if repository in self.pinned else {}

    def unpinned(self, sources: Iterable[str | None]) -> list[str]:
        """Those of the sources that are repositories without a revision, each once."""
        named = dict.fromkeys(source for source in sources if source)
        return [source for source in named if not Path(source).is_dir() and source not in self.pinned]
