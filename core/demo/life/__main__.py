"""Let the people of the sandbox use the demo: `python -m core.demo.life`, in the demo's environment.

It is quiet: what fails is left out, and a demo that is stopping ends it.
"""

import os
import time
from pathlib import Path

import httpx

from core.demo.environment import HOST
from core.demo.life.actions import Action
from core.demo.life.progress import Progress, load_progress
from core.demo.life.sandbox_x import SandboxX
from core.demo.life.script import PEOPLE, SCRIPT
from core.demo.life.steps import Actor, StepFailed
from core.logs import configure_logs, get_logger

log = get_logger(__name__)

# Between two steps, so that it never keeps the machine busy.
PAUSE_SECONDS = 0.3


def main() -> None:
    """Continue the script in the demo of this environment."""
    configure_logs(process="life")
    progress = load_progress(Path(os.environ["DATA_DIR"]))
    if progress is None or progress.finished:
        return
    with httpx.Client(timeout=20.0, trust_env=False) as http:
        gallery, sandbox = (f"http://{HOST}:{os.environ[name]}" for name in ("GALLERY_PORT", "SANDBOX_PORT"))
        bot = os.environ.get("SANDBOX_BOT", "threadpaint")
        actor = Actor(gallery, SandboxX(sandbox, http), progress, bot, is_resumed=progress.done > 0)
        if not progress.done:
            actor.find_samples(PEOPLE)
        play(SCRIPT, actor, progress)
        actor.sign_out()
    progress.finished = True
    progress.save()


def play(script: tuple[Action, ...], actor: Actor, progress: Progress) -> None:
    """Do the steps that are not done yet. Leave out those that fail."""
    for action in script[progress.done :]:
        try:
            actor.do(action)
        except (StepFailed, httpx.HTTPError) as error:
            log.warning("a step of the demo's life failed", step=type(action).__name__, reason=str(error))
        progress.done += 1
        progress.save()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
