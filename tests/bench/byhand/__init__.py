"""The same work as shout.py's, as one writes it by hand for each runtime: JSON in, JSON out."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent
ENTRIES = {
    "lambda": {"hyfn/clouds/aws/host.py": "lambda_handler.py"},
    "framework": {"main.py": "framework.py"},
    "azure": {"function_app.py": "azure_def.py"},
    "azure_async": {"function_app.py": "azure_async.py"},
    "func": {"app/function/__init__.py": "func_def.py"},
    "func_async": {"app/function/__init__.py": "func_async.py"},
}
"""Where each runtime looks for the function, as hyfn's emulators start it."""
PACKAGES = ("hyfn/__init__.py", "hyfn/clouds/__init__.py", "hyfn/clouds/aws/__init__.py")


def lay(entry: str, folder: Path) -> Path:
    """The artifact of one of ENTRIES, laid out in `folder` as the runtime wants it."""
    for place, source in ENTRIES[entry].items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / source, folder / place)
    if entry == "lambda":
        for package in PACKAGES:
            (folder / package).touch()
    if entry.startswith("azure"):
        (folder / "host.json").write_text('{"version": "2.0"}\n')
    return folder
