"""Where a project declares its dependencies: for error messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.model import Place, Project

FILES = {"requirements": ("requirements.txt",), "package": ("pyproject.toml",), "script": ()}


def parse(project: Project) -> list[Requirement]:
    """The declared dependencies but hyfn, which travels by itself. BuildError for one that is no requirement."""
    parsed = [_parse(text, project) for text in project.dependencies]
    return [requirement for requirement in parsed if canonicalize_name(requirement.name) != "hyfn"]


def place(text: str, project: Project) -> Place | None:
    """The line that declares the requirement `text`, where it can be found."""
    spaced = r"\s*".join(re.escape(part) for part in re.findall(r"[\w.-]+|[^\w\s]", text))
    declaration = re.compile(rf"""(^|["'\s,#]){spaced}($|["'\s,;#\]])""", re.IGNORECASE)
    for file, lines in _texts(project):
        for number, line in enumerate(lines, 1):
            if declaration.search(line):
                return Place(file, number)
    return None


def _parse(text: str, project: Project) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        where = place(text, project)
        raise BuildError(
            f"{text!r} is not a requirement: {str(error).splitlines()[0]}",
            where=str(where) if where else None,
            hint='write it as "name>=1.2"',
        ) from None


def _texts(project: Project) -> Iterator[tuple[str, list[str]]]:
    for name in FILES.get(project.kind, ("pyproject.toml", "requirements.txt")):
        path = project.root / name
        if path.is_file():
            yield name, path.read_text(errors="replace").splitlines()
    for source in project.sources.values() if project.kind == "script" else ():
        lines = source.text.splitlines()
        yield source.file, [line if line.startswith("#") else "" for line in lines]
