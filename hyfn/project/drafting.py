"""What each artifact of a build is to hold, before any is written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import hyfn
from hyfn.discover.reach import Reach
from hyfn.model import Container, Project, Runtime, Slice, Staged
from hyfn.pack import delivery, form, recipes, secrets, stage, used
from hyfn.pack import slice as slicing
from hyfn.pack.form import Form
from hyfn.pack.units import Unit
from hyfn.pack.wheels import narrow
from hyfn.pack.wheels.choose import Choice
from hyfn.pack.wheels.stock import Stock
from hyfn.project import manifests
from hyfn.project.platforms import packer, serving
from hyfn.stub import render
from hyfn.toolchain import pythons

if TYPE_CHECKING:
    from hyfn.pack.image.model import Base

ENVIRONMENT = "env"
"""What `allow` calls the variables of a function: "env:rule"."""
ENDINGS = {"zip": "zip", "image": "oci"}


@dataclass(frozen=True, slots=True)
class Draft:
    """One artifact: `forms` has one for each runtime, `container` is None for a zip. `path` is its own in the build's
    folder; `bases` are what an image stands on, by machine, {} where it has none yet; `idle` are the entries of `allow`
    that matched nothing; `manifest` is its description for its platform's tools, b"" where that needs none; `key` says
    what it is made of."""

    app: str
    unit: Unit
    short: str
    path: str
    cut: Slice
    container: Container | None
    forms: Sequence[Form]
    bases: Mapping[str, Base]
    idle: Sequence[str]
    manifest: bytes
    key: str

    @property
    def sbom(self) -> str:
        """The path of its bill of materials."""
        return f"{self.path.rpartition('.')[0]}.cdx.json"

    @property
    def beside(self) -> Sequence[str]:
        """The paths of what is written beside the artifact."""
        return [self.sbom, delivery.manifest(self.path)] if self.manifest else [self.sbom]

    @property
    def kind(self) -> str:
        return "image" if self.container else "zip"


@dataclass(frozen=True, slots=True)
class Drafting:
    """What all drafts of one build share.

    `runtimes` are those of each party, `shorts` the functions' names; `choice` is how wheels were chosen; `base`
    is what every image is to stand on, "" for what the project says of each, None for nothing.
    """

    project: Project
    reach: Reach
    shorts: Mapping[str, str]
    runtimes: Mapping[str, Sequence[Runtime]]
    stock: Stock
    choice: Choice
    base: str | None

    def draft(self, unit: Unit) -> Draft:
        """Raises BuildError for what the unit's code imports and no dependency provides."""
        cut = slicing.cut(self.project, self.reach.of(unit.functions), render.stub)
        idle = self._refuse_secrets(unit, cut)
        forms = [self._form(unit, cut, runtime) for runtime in self.runtimes[unit.party]]
        short = self.shorts[unit.primary.name]
        container = packer(unit.target).container(unit.target)
        bases = self._bases(unit, cut) if container else {}
        path = f"{unit.target.platform}/{unit.group or short}.{ENDINGS['image' if container else 'zip']}"
        manifest = manifests.of(self.project, unit)
        key = _key(unit, container, forms, bases, manifest)
        return Draft(self.project.app, unit, short, path, cut, container, forms, bases, idle, manifest, key)

    def _refuse_secrets(self, unit: Unit, cut: Slice) -> list[str]:
        """The entries of `allow` that match nothing here. BuildError for a secret in what travels."""

        def where(path: str, line: int) -> str:
            return str(unit.target.place) if path == ENVIRONMENT else f"{self._file(path)}:{line}"

        env = unit.target.options.get("env") or {}
        said = "".join(f'{name} = "{value}"\n' for name, value in env.items()).encode()
        allowed = recipes.texts(recipes.of(self.project, cut.functions).allow)
        return secrets.refuse({**cut.files, ENVIRONMENT: said}, allowed, where)

    def _file(self, path: str) -> str:
        """The project's file that stands at `path` in an artifact, as its developer knows it."""
        project = self.project
        homes = [home / path for home in (project.source_root, project.root) if (home / path).exists()]
        inside = [file for file in homes if file.is_relative_to(project.root)]
        return inside[0].relative_to(project.root).as_posix() if inside else path

    def _bases(self, unit: Unit, cut: Slice) -> dict[str, Base]:
        recipe = recipes.of(self.project, cut.functions)
        text = str(recipes.base_folder(recipe, self.project.root) or recipe.base) if self.base == "" else self.base
        if not text:
            return {}
        from hyfn.project import standing  # what talks to registries

        return standing.found(text, unit, self.runtimes[unit.party])

    def _form(self, unit: Unit, cut: Slice, runtime: Runtime) -> Form:
        target, shelf = unit.target, self.stock.shelves[runtime]
        chosen, provided = self.stock.chosen[runtime], packer(target).provided(target)
        needs = narrow.narrow(self.project, cut, chosen, shelf, provided, serving(target))
        kinds = frozenset(trigger.kind for function in unit.functions for trigger in function.triggers)
        known = used.clouds(self.project, cut.files)
        package = self.project.clouds[target.cloud].package
        own = {**stage.travelling(package, frozenset(cloud.package for cloud in known), kinds)}
        others = {cloud.name: cloud.package for cloud in known if not cloud.is_own}
        own["hyfn.json"] = stage.manifest(self.project.app, list(unit.functions), target, others)
        distributions = [f"{name}=={shelf.contents[name].version}" for name in needs]
        staged = Staged(self.project.app, unit.primary, target, runtime, cut.files, own, distributions)
        recipe = recipes.of(self.project, cut.functions)
        interpreter = pythons.interpreter(runtime.python) if recipe.pyc else None
        return Form(runtime, packer(target).tree(staged), shelf, needs, interpreter, recipe)


def _key(
    unit: Unit, container: Container | None, forms: Sequence[Form], bases: Mapping[str, Base], manifest: bytes
) -> str:
    entry = packer(unit.target).entry(unit.target)
    said = [hyfn.__version__, unit.target.platform, str(container), entry, manifest.decode(), *map(form.key, forms)]
    said += [f"{machine} {base.digest}" for machine, base in sorted(bases.items())]
    # Its bill of materials says why each distribution is there, and this Python is the one that loads it for a check.
    said += [str(need) for each in forms for need in each.needs.values()]
    said += [found.version for each in forms if (found := pythons.interpreter(each.runtime.python))]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()
