"""Remember which steps of the script are done, and the ids of what they made, in a file of the demo's folder."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "demo-life.json"


@dataclass
class Progress:
    """The number of finished steps, and ids by name: of creations, posts (`post:NAME`) and comments."""

    path: Path
    done: int = 0
    finished: bool = False
    ids: dict[str, str] = field(default_factory=dict)

    def save(self) -> None:
        """Write the file at once, so that a kill leaves the old or the new one."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({name: value for name, value in asdict(self).items() if name != "path"}))
        fresh.replace(self.path)


def load_progress(folder: Path) -> Progress | None:
    """Return the progress in a demo's folder; None if the script never began, or if the file cannot be read."""
    path = folder / FILE
    try:
        return Progress(path, **json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def begin(folder: Path) -> None:
    """Let the script run in this demo."""
    Progress(folder / FILE).save()
