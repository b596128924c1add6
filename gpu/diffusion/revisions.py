"""Choose which revision of each repository is read.

Without one, the service loads the repository's current weights, which its owner can replace. A pinned commit is
exact: the hub names files by their content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Revisions:
    """Maps repositories (owner/name) to a commit, tag or branch."""

    pinned: Mapping[str, str] = field(default_factory=dict)

    def options(self, source: str) -> dict[str, str | bool]:
        """Return the arguments of `from_pretrained` and `load_config`. A folder never touches the network."""
        if Path(source).is_dir():
            return {"local_files_only": True}
        revision = self.pinned.get(source)
        return {"revision": revision} if revision else {}

    def unpinned(self, sources: Iterable[str | None]) -> list[str]:
        """Return those sources that are repositories without a revision, each once."""
        unique = dict.fromkeys(source for source in sources if source)
        return [source for source in unique if not Path(source).is_dir() and source not in self.pinned]
