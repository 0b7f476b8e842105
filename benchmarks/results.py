"""Makes docs/results/*.md and the README's table of figures from docs/results/*.json.

python -m benchmarks.results
"""

from pathlib import Path

from vqecg.records.files.atomic import atomic_file
from vqecg.reports.result_pages import render_pages, render_readme

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER, README = CHECKOUT / "docs" / "results", CHECKOUT / "README.md"


def main() -> None:
    """Writes what has changed and prints its path."""
    texts = render_pages(FOLDER) | {README: render_readme(FOLDER, README.read_text(encoding="utf-8"))}
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            with atomic_file(path) as aside:
                aside.write_text(text, encoding="utf-8")
            print(path.relative_to(CHECKOUT))


if __name__ == "__main__":
    main()
