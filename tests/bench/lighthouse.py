"""Asks Lighthouse about the wall, a creation and a person of a demo of its own: `make lighthouse`.

Needs a Chromium and npm on this machine. Mobile profile (a slow phone on a slow network), a stranger's first visit.
Writes docs/lighthouse.md; fails where a score is under 95.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from tests.bench.prompts import read_prompts
from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.servers import ROOT, free_port, wait_until

TOLD = ROOT / "docs" / "lighthouse.md"
# Beside the packages of this house's own tools, where git does not look.
FOLDER = ROOT / ".venv" / "lighthouse"
LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
ENOUGH = 95
PICTURES = 31

HEAD = """# Lighthouse

`make lighthouse` fills a demo of its own with {pictures} pictures and asks {lighthouse} ({date}) about three pages:
mobile profile, which plays a slow phone on a slow network, and a first visit with nothing kept. 100 is the best.

| page | performance | accessibility | best practices | SEO | first paint | largest paint | blocked | shift |
|---|---|---|---|---|---|---|---|---|
"""


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or shutil.which("npm") is None:
        sys.exit("a Chromium and npm are needed; on Debian: apt install chromium npm")
    _install()
    port = str(free_port())
    # As a host sets it: without its address a site cannot say which one of its pages is the real one.
    settings = {**OPEN_HANDED, "GALLERY_PORT": port, "GALLERY_URL": f"http://127.0.0.1:{port}"}
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder), **settings) as house:
        pages = _fill(house)
        reports = {name: _ask(house.gallery + path, Path(folder), chromium) for name, path in pages.items()}
    TOLD.write_text(_told(reports), encoding="utf-8")
    sys.stdout.write(_told(reports) + _complaints(reports))
    return 0 if all(score >= ENOUGH for report in reports.values() for score in _scores(report)) else 1


def _install() -> None:
    if (FOLDER / "node_modules" / "lighthouse").is_dir():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--silent", LIGHTHOUSE]
    subprocess.run(command, check=True)


def _fill(house: House) -> dict[str, str]:
    """Hang pictures as people would. Returns the pages to ask about."""
    for number, prompt in enumerate(read_prompts(None, 200)[::6][:PICTURES]):
        house.post(f"@threadpaint {prompt}", author=("mira_paints", "oldtomcat", "noor_h")[number % 3])
    wait_until(lambda: len(house.creations()) >= PICTURES, "the pictures do not come", within=120)
    return {"wall": "/", "creation": f"/c/{house.creations()[0]['id']}", "person": "/@mira_paints"}


# Now and then Lighthouse loses the beginning of a page and says itself that it should be asked again.
@retry(stop=stop_after_attempt(3), retry=retry_if_exception_type(subprocess.CalledProcessError), reraise=True)
def _ask(url: str, folder: Path, chromium: str) -> dict[str, Any]:
    told = folder / "report.json"
    command = ["node", str(FOLDER / "node_modules/lighthouse/cli/index.js"), url, "--quiet", "--output=json"]
    flags = "--headless=new --no-sandbox --disable-dev-shm-usage"
    subprocess.run(
        [*command, f"--output-path={told}", f"--chrome-flags={flags}"],
        env={**os.environ, "CHROME_PATH": chromium},
        check=True,
    )
    report: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return report


def _scores(report: dict[str, Any]) -> list[int]:
    return [round(100 * report["categories"][name]["score"]) for name in CATEGORIES]


def _told(reports: dict[str, dict[str, Any]]) -> str:
    text = HEAD.format(pictures=PICTURES, lighthouse=LIGHTHOUSE, date=datetime.now(UTC).strftime("%Y-%m-%d"))
    for name, report in reports.items():
        metrics = [report["audits"][metric]["displayValue"].replace("\xa0", " ") for metric in METRICS]
        text += f"| {name} | {' | '.join([*map(str, _scores(report)), *metrics])} |\n"
    return text


def _complaints(reports: dict[str, dict[str, Any]]) -> str:
    """What Lighthouse would rather have otherwise, for whoever mends it."""
    lines = []
    for name, report in reports.items():
        for category in CATEGORIES:
            for wanted in report["categories"][category]["auditRefs"]:
                audit = report["audits"][wanted["id"]]
                if wanted["weight"] and (audit["score"] or 0) < 0.9 and audit["scoreDisplayMode"] != "notApplicable":
                    lines.append(f"{name}: {category}: {audit['title']} {audit.get('displayValue', '')}")
    return "\n".join(["", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
