"""Measure `vigie_signal` on a folder of recordings; print the tables, or write tables and pictures into docs/signal/.

    python -m evaluation [FOLDER] [--only PAGE] [--write]

FOLDER holds the recordings and their ``load.py`` (default: ``VIGIE_TRACES``, then ``../shared/traces``).
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

from evaluation.report import Result, fill, save
from training.recordings import load

_ROOT = Path(__file__).parents[2]
_PAGES = {
    "heart-rate": "evaluation.heart_rate_page",
    "beats-and-variability": "evaluation.beats",
    "breathing": "evaluation.breathing",
    "steps": "evaluation.steps",
    "falls": "evaluation.falls",
    "activity-and-rest": "evaluation.activity",
    "early-warning": "evaluation.early_warning_page",
    "wear": "evaluation.wear",
    "speed": "evaluation.speed_page",
}
"""Pages under ``docs/signal/``, and the modules whose ``evaluate(traces)`` returns what is in them."""


def main(arguments: list[str] | None = None) -> int:
    """Run the evaluations asked for; without recordings say so."""
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=(__doc__ or "").split("\n")[0])
    default = Path(os.environ.get("VIGIE_TRACES", _ROOT / ".." / "shared" / "traces"))
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--only", choices=_PAGES, action="append", help="a page; may be given again")
    parser.add_argument("--write", action="store_true", help="write into docs/signal/ instead of printing")
    given = parser.parse_args(arguments)
    if given.folder == default and not given.folder.exists():
        print("skipped: no recordings; pass their folder or name it in VIGIE_TRACES")
        return 0
    traces = load(given.folder)
    for page in given.only or _PAGES:
        result: Result = importlib.import_module(_PAGES[page]).evaluate(traces)
        for note in result.notes:
            print(f"{page}: {note}", file=sys.stderr)
        if given.write:
            write(page, result, _ROOT / "docs" / "signal")
            print(f"wrote docs/signal/{page}.md")
        else:
            for name, text in result.tables.items():
                print(f"\n## {name}\n\n{text}")
    return 0


def write(page: str, result: Result, folder: Path) -> None:
    """Put the tables into the page and the pictures beside it."""
    path = folder / f"{page}.md"
    path.write_text(fill(path.read_text(encoding="utf-8"), result.tables), encoding="utf-8")
    (folder / "pictures").mkdir(exist_ok=True)
    for name, picture in result.pictures.items():
        save(picture, folder / "pictures" / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
