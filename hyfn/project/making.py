"""Writing one artifact, and making sure that it loads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import hyfn
from hyfn import clouds
from hyfn.cloud import Packer
from hyfn.errors import BuildError
from hyfn.model import Artifact, Container, Problem
from hyfn.pack import archive, delivery, extract, form, limits, sbom, verify
from hyfn.pack.form import Form
from hyfn.pack.image import layer, layout
from hyfn.pack.image.model import Base, Image, Settings
from hyfn.pack.units import Unit
from hyfn.project import made, reading
from hyfn.project.drafting import Draft
from hyfn.project.made import Made
from hyfn.project.platforms import packer
from hyfn.toolchain import cache, pythons, scratch

TITLE = "org.opencontainers.image.title"
"""What an image is called for people (OCI image-spec, "Annotations")."""


def make(draft: Draft, folder: Path) -> Made:
    """Write the artifact to its path in `folder`, and load it as its platform will: what cannot load never leaves.

    Raises SourceError, before anything is written, for one that is larger than its platform takes.
    """
    draft, notes = _fitted(draft)
    path = folder / draft.path
    path.parent.mkdir(parents=True, exist_ok=True)
    artifact = _image(draft, draft.container, path) if draft.container else _zip(draft, path)
    _write_sbom(draft, artifact, folder)
    if draft.manifest:
        (folder / delivery.manifest(draft.path)).write_bytes(draft.manifest)
    return Made(artifact, [*notes, *_load(draft, artifact)])


def _fitted(draft: Draft) -> tuple[Draft, list[str]]:
    """The draft, without `.pyc` where only they make it too large, and what to say of its size."""
    problems = _too_large(draft)
    if any(problem.level == "error" for problem in problems) and any(each.interpreter for each in draft.forms):
        bare = replace(draft, forms=[form.without_pyc(each) for each in draft.forms])
        others = _too_large(bare)
        if not any(problem.level == "error" for problem in others):
            said = f"{draft.short} for {draft.unit.target.platform} has no .pyc files: with them it would be too large"
            return bare, [said, *map(str, others)]
    reading.refuse([problem for problem in problems if problem.level == "error"])
    return draft, [*map(str, problems)]


def _too_large(draft: Draft) -> list[Problem]:
    target = draft.unit.target
    most = packer(target).limits(target)
    return [
        problem
        for each in draft.forms
        for problem in limits.check(draft.short, target.platform, *form.sizes(each), each.parts, most, target.place)
    ]


def _write_sbom(draft: Draft, artifact: Artifact, folder: Path) -> None:
    found = [part for each in draft.forms for part in each.parts]
    said = sbom.document(
        draft.short,
        artifact.digest,
        draft.app,
        artifact.platform,
        artifact.python,
        hyfn.__version__,
        found,
    )
    (folder / draft.sbom).write_bytes(said)


def _zip(draft: Draft, path: Path) -> Artifact:
    archive.write_zip(draft.forms[0].members, path)
    return made.described(draft, path, f"sha256:{_sha256(path)}", path.stat().st_size)


def _image(draft: Draft, container: Container, path: Path) -> Artifact:
    how = _settings(draft, container)
    images = [_for_machine(each, container, how, draft.bases.get(each.runtime.machine)) for each in draft.forms]
    root = layout.write(images, path)
    size = sum(each.size for image in images for each in image.layers.values())
    return made.described(draft, path, root.digest, size)


def _for_machine(one: Form, container: Container, how: Settings, base: Base | None) -> Image:
    """Three layers, so that a change of code moves nothing else, and functions share what is hyfn's own."""
    wheels = layer.kept(form.libraries_key(one), lambda: form.sorted_libraries(one), container.root)
    host = layer.kept(form.host_key(one), lambda: form.host(one), container.root)
    code = layer.kept(form.key(one), lambda: form.code(one), container.root)
    return Image(one.runtime.machine, how, {"wheels": wheels, "hyfn": host, "code": code}, base)


def _settings(draft: Draft, container: Container) -> Settings:
    ports = [container.port] if container.port else []
    folder = f"/{container.root.rstrip('/')}"
    labels = {TITLE: draft.short}
    return Settings(container.entrypoint, container.command, container.env, folder, container.user, ports, labels)


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def unpack(artifact: Artifact, into: Path) -> list[Path]:
    """Lay the artifact out in `into` as its platform does; the import roots, in order."""
    if artifact.kind == "image":
        held = layout.manifests(artifact.path)
        here = os.uname().machine
        layout.lay_out(artifact.path, here if here in held else next(iter(held)), into)
    else:
        extract.extract_zip(artifact.path, into)
    found: Packer = clouds.get(artifact.cloud, "pack").packer
    return found.roots(into)


def _load(draft: Draft, artifact: Artifact) -> list[str]:
    """Why it was not loaded here, or nothing. What was loaded once is known to load."""
    machines = [each.runtime.machine for each in draft.forms]
    runtime = draft.forms[0].runtime
    if os.uname().machine not in machines:
        return [f"{artifact.short} for {artifact.platform}: not loaded for a check: it is for {' and '.join(machines)}"]
    interpreter = pythons.interpreter(runtime.python)
    if interpreter is None:
        return [f"{artifact.short} for {artifact.platform}: {verify.load([], '', None)}"]
    entry = packer(draft.unit.target).entry(draft.unit.target)
    known = cache.home() / "loaded" / cache.key(artifact.digest, entry, str(interpreter.path), interpreter.version)
    if not known.exists():
        with scratch.folder("hyfn-unpacked-") as folder:
            _check(_laid_out(draft, artifact, folder / "artifact"), entry, interpreter.path, draft.unit)
        cache.put(known, b"")
    return []


def _laid_out(draft: Draft, artifact: Artifact, into: Path) -> list[Path]:
    """The import roots of what is in the artifact. Its wheels are those that lie in the user's cache, laid out once."""
    first = draft.forms[0]
    if form.is_entangled(first):
        return unpack(artifact, into)
    form.lay_out_code(first, into / (draft.container.root if draft.container else ""))
    return [*packer(draft.unit.target).roots(into), form.site(first)]


def _check(roots: Sequence[Path], entry: str, python: Path, unit: Unit) -> None:
    try:
        verify.load(roots, entry, python)
    except BuildError as error:
        raise BuildError(error.message, where=error.where or str(unit.primary.place), hint=error.hint) from error
