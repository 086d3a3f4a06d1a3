"""hyfn new: a project from a template."""

from __future__ import annotations

import keyword
import re
import shutil
from pathlib import Path

import click

from hyfn import clouds
from hyfn.cli import guard, output, shipped
from hyfn.errors import ConfigError
from hyfn.toolchain import scratch

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
        if is_json:
            output.document(known)
        else:
            output.result("\n".join(known))
        return
    if folder is None:
        raise click.UsageError("Name the folder to make.")
    if template not in known:
        raise ConfigError(f"there is no template {template!r}", hint=f"there are: {', '.join(known)}")
    _copy(shipped.templates() / template, folder)
    if is_json:
        output.document({"folder": str(folder), "template": template})
    else:
        there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
        following = "hyfn run app.py" if (folder / "app.py").exists() else "cat README.md"
        output.result(f"{folder} is ready: {there}{following}")


def _copy(source: Path, folder: Path) -> None:
    """All of it or nothing."""
    _refuse_used(folder)
    name = _name(folder.resolve().name)
    if any(source.glob(f"*_{PLACEHOLDER}")):
        name = _cloud(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with scratch.folder(f".{name}.", folder.resolve().parent) as partial:
        made = partial / name
        shutil.copytree(source, made, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        _rename(made, name)
        _place(made, folder)


def _name(given: str) -> str:
    """An application's."""
    name = given.lower().replace("_", "-")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,48}", name):
        raise ConfigError(
            f"{name!r} cannot be an application's name", hint="lower-case letters, digits and -, a letter first, ≤ 49"
        )
    return name


def _cloud(name: str) -> str:
    """The name of the cloud that a package called `name` is to bring: "hyfn-nuclio" brings "nuclio"."""
    cloud = name.removeprefix("hyfn-").replace("-", "_")
    if not cloud.isidentifier() or keyword.iskeyword(cloud):
        raise ConfigError(f"{cloud!r} cannot be a cloud's name: its decorator is called so", hint="name another folder")
    if cloud in {*clouds.known(), *clouds.platforms()}:
        raise ConfigError(f"there is a cloud {cloud!r}", hint="name another folder")
    return cloud


def _rename(made: Path, name: str) -> None:
    """Put `name` wherever the placeholder stands as a word, or as one of the words that _ joins."""
    placeholder = re.compile(rf"(?<![^\W_]){PLACEHOLDER}(?![^\W_])")
    for file in sorted(made.rglob("*"), reverse=True):
        if file.suffix in {".toml", ".md", ".py"}:
            file.write_text(placeholder.sub(name, file.read_text()))
        if (renamed := placeholder.sub(name, file.name)) != file.name:
            file.rename(file.with_name(renamed))


def _refuse_used(folder: Path) -> None:
    """Hidden files, such as version control's, are in nobody's way."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file", hint="name a new folder")
    if folder.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="name a new folder")


def _place(made: Path, folder: Path) -> None:
    """A folder that is there is filled: somebody may be standing in it."""
    if not folder.exists():
        made.rename(folder)
        return
    for entry in list(made.iterdir()):
        entry.rename(folder / entry.name)
