"""python -m tests.bench TOPIC: ratios in one run against the raw alternative and a peer."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

TOPICS = {
    path.stem.removesuffix("_"): f"tests.bench.{path.stem}"
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "__main__", "measure")
}
"""`import_.py` is the topic import."""


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # it makes every child compile its imports anew
    chosen = sys.argv[1:]
    if not chosen or any(topic not in TOPICS for topic in chosen):
        sys.exit(f"usage: python -m tests.bench TOPIC...\ntopics: {' '.join(TOPICS)}")
    for topic in chosen:
        module = import_module(TOPICS[topic])
        print(f"{topic}: {(module.__doc__ or '').splitlines()[0]}\n")
        for row in module.run():
            print(row)
        print()


if __name__ == "__main__":
    main()
