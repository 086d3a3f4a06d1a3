"""What a project declares that it depends on, and where it does: for error messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hyfn.errors import BuildError
from hyfn.model import Place, Project


def parse(project: Project) -> list[Requirement]:
    """The declared dependencies but hyfn, and what brings it further clouds: they travel by themselves. BuildError for
    one that is no requirement."""
    parsed = [_parse(text, project) for text in project.dependencies]
    by_themselves = {"hyfn", *(cloud.distribution for cloud in project.clouds.values())}
    return [requirement for requirement in parsed if canonicalize_name(requirement.name) not in by_themselves]


def normal(requirement: Requirement) -> str:
    """`requirement` without its marker, the same however it was written."""
    extras = f"[{','.join(sorted(map(canonicalize_name, requirement.extras)))}]" if requirement.extras else ""
    bounds = ",".join(sorted(str(one) for one in requirement.specifier))
    url = f" @ {requirement.url}" if requirement.url else ""
    return f"{canonicalize_name(requirement.name)}{extras}{bounds}{url}"


def place_of(requirement: Requirement, project: Project) -> Place | None:
    """The line that declares the requirement, where it can be found."""
    wanted = normal(requirement)
    texts = [text for text in project.dependencies if normal(Requirement(text)) == wanted]
    return place(texts[0], project) if texts else None


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
    if project.kind == "script":
        for source in project.sources.values():
            yield source.file, [line if line.startswith("#") else "" for line in source.text.splitlines()]
        return
    # A requirements.txt may include others by `-r`.
    listed = ("pyproject.toml", "requirements.txt", "*.txt", "requirements/*.txt")
    for path in [path for pattern in listed for path in sorted(project.root.glob(pattern))]:
        yield path.relative_to(project.root).as_posix(), path.read_text(errors="replace").splitlines()
