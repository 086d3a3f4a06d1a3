"""What stands in one artifact for one runtime: the project's and hyfn's files, wheels, and what they compile to."""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hyfn.model import Part, Recipe, Runtime, Tree
from hyfn.pack import archive, pyc, recipes, splice
from hyfn.pack.splice import Member
from hyfn.pack.wheels import stock, strips
from hyfn.pack.wheels.narrow import Need
from hyfn.pack.wheels.shelf import Shelf
from hyfn.pack.wheels.strips import Strip
from hyfn.toolchain import cache
from hyfn.toolchain.pythons import Interpreter

VERSION = "4"
"""Of what artifacts are made of: another number makes every artifact anew."""
OWN = "hyfn/"
"""The folder of hyfn's own modules."""


@dataclass(frozen=True)
class Form:
    """`needs` are the distributions of `shelf` that it holds; `interpreter` compiles for it, None leaves `.pyc` out.

    What its `recipe` excludes stays out of the wheels.
    """

    runtime: Runtime
    tree: Tree
    shelf: Shelf
    needs: Mapping[str, Need]
    interpreter: Interpreter | None
    recipe: Recipe

    @functools.cached_property
    def members(self) -> Sequence[Member]:
        """All that stands in it, in the order of names."""
        return archive.members({**self.tree.files, **self.compiled}, libraries(self))

    @functools.cached_property
    def compiled(self) -> Mapping[str, bytes]:
        """What the project's and hyfn's own modules compile to."""
        if self.interpreter is None:
            return {}
        sources = {path: content for path, content in self.tree.files.items() if path.endswith(".py")}
        return pyc.kept(sources, self.interpreter)

    @functools.cached_property
    def strips(self) -> Mapping[str, Sequence[Strip]]:
        """By the distributions' names, their files and what they compile to."""
        compiled = stock.compiled(self.shelf, self.needs, self.interpreter)
        return {
            name: [*self.shelf.contents[name].strips, *([compiled[name]] if name in compiled else [])]
            for name in self.needs
        }

    @functools.cached_property
    def parts(self) -> Sequence[Part]:
        """What it holds of each distribution, and why, in the order of names."""
        return [_part(self, name, each) for name, each in self.strips.items()]

    @property
    def distributions(self) -> list[str]:
        return [f"{name}=={self.shelf.contents[name].version}" for name in self.needs]


def key(form: Form) -> str:
    """A digest of all that its bytes depend on: forms with the same key have the same bytes."""
    digest = hashlib.sha256()
    compiled = form.interpreter.version if form.interpreter else ""
    # Another zlib may deflate to other bytes.
    fixed = (
        VERSION,
        zlib.ZLIB_RUNTIME_VERSION,
        str(form.runtime),
        form.tree.site,
        compiled,
        *(text for text, _ in form.recipe.exclude),
    )
    digest.update("\0".join(fixed).encode())
    for name in form.needs:
        digest.update(f"\1{name}\0{form.shelf.digests[name]}".encode())
    for path in sorted(form.tree.files):
        digest.update(f"\2{path}\0".encode() + _digest(form.tree.files[path]))
    return digest.hexdigest()


@functools.lru_cache(maxsize=4096)
def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def libraries_key(form: Form) -> str:
    """A digest of all that its wheels' files depend on."""
    return key(replace(form, tree=replace(form.tree, files={})))


def without_pyc(form: Form) -> Form:
    return replace(form, interpreter=None)


def code(form: Form) -> list[Member]:
    """The project's own files."""
    files = {**form.tree.files, **form.compiled}
    return archive.members({path: content for path, content in files.items() if not path.startswith(OWN)})


def host(form: Form) -> list[Member]:
    """hyfn's own files, the same in all functions on one cloud and Python."""
    files = {**form.tree.files, **form.compiled}
    return archive.members({path: content for path, content in files.items() if path.startswith(OWN)})


def host_key(form: Form) -> str:
    """A digest of all that hyfn's own files depend on."""
    files = {path: content for path, content in form.tree.files.items() if path.startswith(OWN)}
    return key(replace(form, tree=replace(form.tree, files=files), needs={}))


def libraries(form: Form) -> Iterator[Member]:
    """The wheels' files, one wheel after the other."""
    is_excluded = _excluded(form.recipe)
    for each in form.strips.values():
        for member in strips.members(each, form.tree.site):
            if not is_excluded(member.name.removeprefix(form.tree.site)):
                yield member


def _excluded(recipe: Recipe) -> Callable[[str], bool]:
    """Whether a wheel's file stays out. What a module compiles to goes where it goes."""
    is_excluded = recipes.excluded(recipe)
    return lambda path: is_excluded(path) or is_excluded(pyc.source(path))


def sorted_libraries(form: Form) -> list[Member]:
    """The same in the order of names, each name once."""
    return archive.members({}, libraries(form))


def is_entangled(form: Form) -> bool:
    """Whether the project's files and a wheel's stand in one folder: then only all of them together can be loaded."""
    own = {path.removeprefix(form.tree.site).partition("/")[0] for path in form.tree.files}
    return any(path.partition("/")[0] in own for name in form.needs for path in form.shelf.contents[name].paths)


def lay_out_code(form: Form, into: Path) -> None:
    """Write the project's and hyfn's own files, and what they compile to, into the folder."""
    for path, content in {**form.tree.files, **form.compiled}.items():
        place = into / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def site(form: Form) -> Path:
    """A folder of the user's cache with the wheels' files. Never to be written to."""

    def fill(folder: Path) -> None:
        folder.mkdir()
        for each in form.strips.values():
            for strip in each:
                strips.lay_out(strip, folder)

    return cache.made_once(cache.home() / "sites" / libraries_key(form)[:32], fill)


def sizes(form: Form) -> tuple[int, int]:
    """Bytes of a zip of it, and of its files."""
    return splice.packed(form.members), sum(each.size for each in form.members)


def _part(form: Form, name: str, of_wheel: Sequence[Strip]) -> Part:
    wheel, contents = form.shelf.wheels[name], form.shelf.contents[name]
    is_excluded = _excluded(form.recipe)
    pieces = [piece for strip in of_wheel for piece in strip.pieces if not is_excluded(piece.path)]
    packed = sum(piece.packed + splice.overhead(len(piece.path)) for piece in pieces)
    requires = [each for each in dict.fromkeys(each.name for each in contents.needs) if each in form.needs]
    return Part(
        name,
        contents.version,
        wheel.file,
        wheel.sha256,
        contents.license,
        packed,
        sum(piece.size for piece in pieces),
        why(form.needs, name),
        sorted(requires),
    )


def root(needs: Mapping[str, Need], name: str) -> Need:
    """The need that a distribution's chain begins with."""
    need = needs[name]
    return root(needs, need.parent) if need.parent else need


def why(needs: Mapping[str, Need], name: str) -> list[str]:
    """The chain that leads to a distribution, from the import on."""
    need = needs[name]
    if need.parent:
        return [*why(needs, need.parent), f"{need.parent} needs {name}"]
    if need.serves:
        return ["it serves the functions there"]
    return [f"{need.place} imports {need.module}"] if need.place else ["hyfn needs it in every artifact"]
