"""hyfn new: a project from a template."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import click

from hyfn.cli import guard, output, shipped
from hyfn.errors import ConfigError

PLACEHOLDER = "hello"
"""The project's name in every template."""


@click.command
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--template", default="local-to-clouds", show_default=True, help="One of `hyfn new --list`.")
@click.option("--list", "is_list", is_flag=True, help="Print the templates instead.")
@output.json_option
@guard.command
def command(folder: Path | None, template: str, is_list: bool, is_json: bool) -> None:
    """Start a project in FOLDER: a complete one, with a test that passes."""
    known = sorted(path.name for path in shipped.templates().iterdir() if (path / "pyproject.toml").exists())
    if is_list:
        output.document(known) if is_json else output.result("\n".join(known))
        return
    if folder is None:
        raise click.UsageError("name the folder to make")
    if template not in known:
        raise ConfigError(f"there is no template {template!r}", hint=f"there are: {', '.join(known)}")
    _copy(shipped.templates() / template, folder)
    if is_json:
        output.document({"folder": str(folder), "template": template})
    else:
        output.result(f"{folder} is ready: cd {folder}, then hyfn run app.py")


def _copy(source: Path, folder: Path) -> None:
    """All of it or nothing."""
    name = folder.resolve().name.lower().replace("_", "-")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,48}", name):
        raise ConfigError(
            f"{name!r} cannot be an application's name", hint="lower-case letters, digits and -, a letter first, ≤ 49"
        )
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder.parent) as partial:
        made = Path(partial) / name
        shutil.copytree(source, made, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        for file in made.rglob("*"):
            if file.suffix in {".toml", ".md"}:
                file.write_text(re.sub(rf"\b{PLACEHOLDER}\b", name, file.read_text()))
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
