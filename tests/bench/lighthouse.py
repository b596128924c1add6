"""Run Lighthouse on the feed, a creation and a profile of its own demo: `make lighthouse`.

Needs a Chromium and npm on this machine. Uses the mobile profile (a slow phone on a slow network) and a first visit.
Prints a table, and adds figures with goals to `--goals FILE`. Fails if a score is under 95.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from tests.bench.goals import Goal, save_goals
from tests.bench.prompts import read_prompts
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, running_demo
from tests.support.servers import ROOT, free_port, wait_until

# Beside the packages of our own tools, which git ignores.
FOLDER = ROOT / ".venv" / "lighthouse"
LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
MIN_SCORE = 95
PICTURES = 31

MAX_LARGEST_PAINT_SECONDS, MAX_LARGEST_PICTURE_KB = 1.9, 25.0

HEAD = """{lighthouse}, {date}, {pictures} pictures

| page | performance | accessibility | best practices | SEO | first paint | largest paint | blocked | shift | picture |
|---|---|---|---|---|---|---|---|---|---|
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goals", type=Path, help="add the figures that have goals to this file")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or shutil.which("npm") is None:
        sys.exit("a Chromium and npm are needed; on Debian: apt install chromium npm")
    _install()
    port = str(free_port())
    # As an operator sets it: without its address a site cannot name its canonical pages.
    settings = {**NO_LIMITS_AND_BUDGETS, "GALLERY_PORT": port, "GALLERY_URL": f"http://127.0.0.1:{port}"}
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), **settings) as demo:
        pages = _fill(demo)
        reports = {name: _measure(demo.gallery + path, Path(folder), chromium) for name, path in pages.items()}
    save_goals(options.goals, _goals(reports))
    sys.stdout.write(_render(reports) + _failed_audits(reports))
    return 0 if all(score >= MIN_SCORE for report in reports.values() for score in _scores(report)) else 1


def _install() -> None:
    if (FOLDER / "node_modules" / "lighthouse").is_dir():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--silent", LIGHTHOUSE]
    subprocess.run(command, check=True)


def _fill(demo: Demo) -> dict[str, str]:
    """Create pictures of several users. Return the pages to measure."""
    for number, prompt in enumerate(read_prompts(None, 200)[::6][:PICTURES]):
        demo.post(f"@threadpaint {prompt}", author=("mira_paints", "oldtomcat", "noor_h")[number % 3])
    wait_until(lambda: len(demo.creations()) >= PICTURES, "the pictures were not painted", within=120)
    addresses = [f"/c/{creation['id']}" for creation in demo.creations()]
    wait_until(lambda: all(_has_avif(demo, address) for address in addresses), "no AVIF copies", within=120)
    return {"feed": "/", "creation": addresses[0], "profile": "/@mira_paints"}


def _has_avif(demo: Demo, address: str) -> bool:
    return "image/avif" in demo.http.get(demo.gallery + address).text


# Sometimes Lighthouse misses the start of a page and reports that it should run again.
@retry(stop=stop_after_attempt(3), retry=retry_if_exception_type(subprocess.CalledProcessError), reraise=True)
def _measure(url: str, folder: Path, chromium: str) -> dict[str, Any]:
    report_path = folder / "report.json"
    command = ["node", str(FOLDER / "node_modules/lighthouse/cli/index.js"), url, "--quiet", "--output=json"]
    flags = "--headless=new --no-sandbox --disable-dev-shm-usage"
    subprocess.run(
        [*command, f"--output-path={report_path}", f"--chrome-flags={flags}"],
        env={**os.environ, "CHROME_PATH": chromium},
        check=True,
    )
    report: dict[str, Any] = json.loads(report_path.read_text(encoding="utf-8"))
    return report


def _scores(report: dict[str, Any]) -> list[int]:
    return [round(100 * report["categories"][name]["score"]) for name in CATEGORIES]


def _render(reports: dict[str, dict[str, Any]]) -> str:
    text = HEAD.format(pictures=PICTURES, lighthouse=LIGHTHOUSE, date=datetime.now(UTC).strftime("%Y-%m-%d"))
    for name, report in reports.items():
        metrics = [report["audits"][metric]["displayValue"].replace("\xa0", " ") for metric in METRICS]
        text += f"| {name} | {' | '.join([*map(str, _scores(report)), *metrics, _largest_picture(report)])} |\n"
    return text


def _goals(reports: dict[str, dict[str, Any]]) -> Iterator[Goal]:
    for name, report in reports.items():
        seconds = report["audits"]["largest-contentful-paint"]["numericValue"] / 1000
        yield Goal(f"Lighthouse, {name}: largest paint", seconds, MAX_LARGEST_PAINT_SECONDS, " s")
    kilobytes = _largest_request(reports["feed"])["transferSize"] / 1000
    yield Goal("largest picture of the feed on a phone", kilobytes, MAX_LARGEST_PICTURE_KB, " kB")


def _largest_picture(report: dict[str, Any]) -> str:
    """Return type and size of the largest picture that the page loaded."""
    largest = _largest_request(report)
    return f"{largest['mimeType'].removeprefix('image/').upper()}, {largest['transferSize'] / 1000:.1f} kB"


def _largest_request(report: dict[str, Any]) -> dict[str, Any]:
    requests = report["audits"]["network-requests"]["details"]["items"]
    pictures = [request for request in requests if request.get("mimeType", "").startswith("image/")]
    largest: dict[str, Any] = max(pictures, key=lambda request: request["transferSize"])
    return largest


def _failed_audits(reports: dict[str, dict[str, Any]]) -> str:
    """Return a line for each audit that did not pass."""
    lines = []
    for name, report in reports.items():
        for category in CATEGORIES:
            for reference in report["categories"][category]["auditRefs"]:
                audit = report["audits"][reference["id"]]
                if reference["weight"] and (audit["score"] or 0) < 0.9 and audit["scoreDisplayMode"] != "notApplicable":
                    lines.append(f"{name}: {category}: {audit['title']} {audit.get('displayValue', '')}")
    return "\n".join(["", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
