"""The types of functions as their own artifacts have them: an interpreter that holds nothing else is asked.

Reading alone cannot expand every type (those of libraries, aliases that are computed), and hyfn imports no user's code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn import clouds, project
from hyfn.errors import MachineError
from hyfn.model import Artifact, FunctionSpec, Project
from hyfn.pack import verify
from hyfn.project import Unit, Wishes
from hyfn.toolchain import pythons, scratch

Report = Callable[[str], None]

ASK = """
import json
from hyfn import contract
from hyfn.host import load
found = {{name: contract.schema(load.function(name).__wrapped__) for name in {names!r}}}
with open({answer!r}, "w") as opened:
    json.dump(found, opened)
"""


def read(source: Project, functions: Sequence[FunctionSpec], report: Report) -> dict[str, Mapping[str, Any]]:
    """What hyfn.contract.schema says of each, by identity. Builds what holds them, as `hyfn build` does.

    Raises ProjectError where that cannot be built or loaded, MachineError where no Python here can load it.
    """
    wanted = _units(source, [function.name for function in functions])
    chosen = {unit.party: clouds.get(unit.target.cloud, "emulate").emulator.python(unit.target) for unit in wanted}
    found: dict[str, Mapping[str, Any]] = {}
    with scratch.folder("hyfn-export-") as folder:
        wishes = Wishes(chosen, [unit.party for unit in wanted], is_for_here=True)
        built = project.build(source, folder / "build", report, wishes)
        for number, artifact in enumerate(built.artifacts):
            unit = built.units[f"{artifact.function}@{artifact.platform}"]
            names = [each.name for each in unit.functions if each in functions]
            found |= _asked(artifact, names, folder / str(number), folder / f"{number}.json")
    return found


def _units(source: Project, names: Sequence[str]) -> list[Unit]:
    """One for each function: of its preferred platform."""
    first: dict[str, Unit] = {}
    for unit in project.units(source):
        for function in unit.functions:
            if function.name in names:
                first.setdefault(function.name, unit)
    return list({unit.party: unit for unit in first.values()}.values())


def _asked(artifact: Artifact, names: Sequence[str], place: Path, answer: Path) -> dict[str, Mapping[str, Any]]:
    python = pythons.find(artifact.python)
    if python is None:
        raise MachineError(f"no CPython {artifact.python} here", hint=f"uv python install {artifact.python}")
    roots = project.unpack(artifact, place)
    verify.load(roots, ASK.format(names=list(names), answer=str(answer)), python)
    found: dict[str, Mapping[str, Any]] = json.loads(answer.read_text())
    return found
