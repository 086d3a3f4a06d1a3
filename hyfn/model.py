"""The nouns of the developer's machine, frozen. Nothing here travels into an artifact."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's source. `file` is relative to the project's root, `line` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Target:
    """One placement of a function.

    `cloud` is the folder in hyfn/clouds, `platform` the decorator (openshift is a platform of the
    knative folder; otherwise both are equal). `options` are those that the user gave, merged from
    pyproject.toml and the decorator; a Packer knows the defaults. `place` is the decorator's line.
    """

    cloud: str
    platform: str
    options: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Trigger:
    """What wakes a function besides a call: `kind` is a function of hyfn.on, `options` all of its parameters by name,
    those that were not given with their defaults. `place` is its line."""

    kind: str
    options: Mapping[str, Any]
    place: Place

    @property
    def resource(self) -> str:
        """What it listens to: a container, a queue, a topic, a stream, an event's type, a path, a time."""
        return str(next(iter(self.options.values())))


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is inspect's name of it: POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD, VAR_POSITIONAL, ..."""

    name: str
    kind: str
    annotation: str | None
    default: str | None


@dataclass(frozen=True, slots=True)
class Signature:
    """As written: annotations and defaults are source text."""

    parameters: Sequence[Parameter]
    returns: str | None


Entry = tuple[str, Place]
"""One string of a setting, and its line."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an artifact is made, by the [tool.hyfn.build] tables.

    `pyc` says whether compiled modules travel. `include` are globs of the project's files, relative to its root;
    `exclude` are globs of paths in the artifact, wheels' files too; `imports` are modules that reading cannot see;
    `allow` are "glob:rule" for the search for secrets; `base` is the image to stand on, "" for the platform's own.
    """

    pyc: bool = True
    include: Sequence[Entry] = ()
    exclude: Sequence[Entry] = ()
    imports: Sequence[Entry] = ()
    allow: Sequence[Entry] = ()
    base: str = ""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A decorated function as its source says it.

    `name` is "module:qualname" and is its identity. `raises` are "module:qualname" of the project's own exception
    classes that it, or what it reaches or calls remotely, raises. `calls` are the identities of the functions placed
    elsewhere that it may call, sorted (the out-edges of the static call graph). `is_called` says that code may call it:
    what takes a hyfn.Request, gives a hyfn.Response or mounts an application is for plain HTTP alone.
    """

    name: str
    module: str
    qualname: str
    place: Place
    signature: Signature
    doc: str | None
    is_async: bool
    targets: Sequence[Target]
    calls: Sequence[str] = ()
    raises: Sequence[str] = ()
    recipe: Recipe = Recipe()
    triggers: Sequence[Trigger] = ()
    is_called: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """`caller` may call `callee` (identities). `place` is the first line that shows it."""

    caller: str
    callee: str
    place: Place


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A call in what `caller` reaches that reading the source cannot resolve."""

    caller: str
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """One module of the project. `path` is absolute, `file` relative to the root, `text` its source."""

    module: str
    path: Path
    file: str
    text: str
    is_package: bool


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where a cloud comes from: the `package` with its modules, and the `distribution` that brings that one.

    "hyfn.clouds.<name>" and "hyfn" for hyfn's own; `distribution` is normalised, "" where nothing says it. `platforms`
    are the names of its decorators.
    """

    name: str
    package: str
    distribution: str
    platforms: Sequence[str]

    @property
    def is_own(self) -> bool:
        return self.distribution == "hyfn"


@dataclass(frozen=True, slots=True)
class Project:
    """What discovery found by reading. Nothing of it was imported.

    `dependencies` are PEP 508 requirements as declared; `requires_python` is the specifier or None; `kind` is
    script (PEP 723), requirements or package. `config` is the [tool.hyfn] table. `sources` by module name.
    `source_root` is the folder that stands on sys.path (root, or root/src). `script` is the file of a script, relative
    to the root, "" for other kinds. `uv` is the [tool.uv] table. `clouds` are those that there are, by name.
    """

    app: str
    root: Path
    source_root: Path
    kind: str
    dependencies: Sequence[str]
    requires_python: str | None
    config: Mapping[str, Any]
    sources: Mapping[str, Source]
    functions: Sequence[FunctionSpec]
    edges: Sequence[Edge] = ()
    unresolved: Sequence[Unresolved] = ()
    script: str = ""
    uv: Mapping[str, Any] = field(default_factory=dict)
    clouds: Mapping[str, Cloud] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """A statement that does not travel as it is written. `left_out` names what goes.

    In its place stands `stub`, or the import with the names `kept`, or nothing.
    """

    node: ast.stmt
    left_out: Sequence[str]
    stub: FunctionSpec | None = None
    kept: Sequence[ast.alias] = ()


@dataclass(frozen=True, slots=True)
class Literal:
    """The strings of a path as far as the source spells them; a lone string may be one, `is_path` surely is."""

    parts: tuple[str, ...]
    is_path: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What an artifact holds of one module: all but the `cuts`, which are in the order of the source.

    `anchor` is the import after which the import that stubs need may stand. `literals` are those of the kept code.
    """

    source: Source
    cuts: Sequence[Cut]
    anchor: ast.stmt | None
    literals: Sequence[Literal]


@dataclass(frozen=True, slots=True)
class Reached:
    """What the functions of one artifact reach, as Slice has it but not yet as files. `modules` by name."""

    functions: Sequence[str]
    modules: Mapping[str, Kept]
    imports: Mapping[str, Place]
    optional_imports: Mapping[str, Place]
    stubs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Slice:
    """What one function's artifact holds of the project.

    `files` maps an artifact path ("pkg/mod.py", "pkg/data.json") to its bytes; line numbers of kept code equal
    the source's. `imports` are the top-level names of third-party modules that the kept code imports (dotted where
    many distributions share the top level: "google.cloud.storage"), each with the first place; `optional_imports` those
    that stand inside try/except ImportError. `stubs` are the identities that became stubs.
    """

    files: Mapping[str, bytes]
    imports: Mapping[str, Place]
    optional_imports: Mapping[str, Place]
    stubs: Sequence[str]
    functions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an artifact is built for. `python` is "3.13"; `machine` x86_64 or aarch64; `glibc` "2.34"."""

    python: str
    machine: str
    glibc: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """One distribution at one version, as one file of an index.

    `name` is normalised; `file` is the wheel's name, or that of the sdist which a wheel is built from. `sha256` (hex)
    and `size` (bytes) are the file's. `url` is where it is, "" where that is to be asked of uv.
    """

    name: str
    version: str
    file: str
    sha256: str
    size: int
    url: str = ""

    @property
    def is_source(self) -> bool:
        return not self.file.endswith(".whl")


@dataclass(frozen=True, slots=True)
class Part:
    """What is in an artifact by one distribution. Sizes in bytes: as it travels, and unpacked.

    `sha256` is that of the file it came as; `license` is as it says it, or "". `why` is the chain that leads to it:
    ["app.py:3 imports pricing", "pricing.py:1 imports httpx", "httpx needs certifi"]. `requires` are the names of the
    other parts of the artifact that it needs.
    """

    name: str
    version: str
    file: str
    sha256: str
    license: str
    packed: int
    unpacked: int
    why: Sequence[str]
    requires: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Staged:
    """What one function's artifact holds beside its wheels, before its cloud gives it its form.

    `code` is the user's sliced code and data, `own` what travels of hyfn: both map the path under their import root to
    the file's bytes. `distributions` are "numpy==2.2.6".
    """

    app: str
    function: FunctionSpec
    target: Target
    runtime: Runtime
    code: Mapping[str, bytes]
    own: Mapping[str, bytes]
    distributions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Tree:
    """An artifact's form: its files by their path in it, and the folder (with its slash, or "") for wheels."""

    files: Mapping[str, bytes]
    site: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """How a container with an artifact in it starts.

    `root` is the folder of its files ("app/"), `base` the image that it stands on unless the user names another; `user`
    is a number that is not 0, or "" where the platform decides; `port` is 0 where it has none.
    """

    root: str
    base: str
    entrypoint: Sequence[str]
    command: Sequence[str]
    env: Mapping[str, str]
    user: str
    port: int


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a platform takes, in bytes, and the page that says so.

    `around` is a way by which more is taken ("an object store"), so that more is no error; "" where there is none.
    """

    most: int
    source: str
    around: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """When a platform gives up a Python: it is not maintained from `deprecated` on, and not taken from `refused` on
    (None where its vendor names no such day). `source` is the page that says so."""

    deprecated: date
    refused: date | None
    source: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform takes of an artifact for one target. None where its vendor publishes no limit.

    `platform` is its name in words. `packed` and `unpacked` are of a zip, `image` is of an image's layers, unpacked.
    `environment` is for all variables together as the JSON that they are sent as, `variable` for one as NAME=value.
    `reserved` are patterns, each for a whole name, of the variables that are not the user's to set. `retirements` are
    by Python ("3.13"). `way_out` is an option, as one writes it, by which more may travel, or "".
    """

    platform: str
    packed: Limit | None = None
    unpacked: Limit | None = None
    image: Limit | None = None
    environment: Limit | None = None
    variable: Limit | None = None
    reserved: Sequence[str] = ()
    retirements: Mapping[str, Retirement] = field(default_factory=dict)
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of trigger that a platform has: its own `name` of it, and the page (`source`) that says so.

    `options` are those of the trigger that it honours beside the first; others are refused unless they have their
    defaults.
    """

    name: str
    source: str
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that a vendor publishes: `value` in `unit`, which is "B" for bytes, and the page or API model
    (`source`, a URL) that says so. `note` says what it holds for, and whether it could be verified."""

    value: float
    unit: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """What an option may be: from `least` to `most`, both included; `default` is hyfn's where nothing is said.

    `only` are all values that there are, where not everything between is taken. `unit`, `source` and `note` as in
    Figure.
    """

    least: float
    most: float
    default: float
    unit: str
    source: str
    note: str = ""
    only: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether a platform can do a thing, and the page that says so."""

    has: bool
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What runs a platform's artifacts on this machine: `kind` is as Running.evidence, `by` names it."""

    kind: str
    by: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one platform can do, each figure with its source. None where its vendor publishes none.

    `pythons` are those on offer ("3.13"), with their end where the vendor sets one. `request` and `response` are of a
    synchronous call, `event` is what an asynchronous one may carry. `name` is the rule of a function's name, in words.
    `streaming` is of answers; `asynchronous` says whether the platform keeps a call and answers before it runs.
    `triggers` are by kind of hyfn.on. The constants are those by which the packer and the caller refuse.
    """

    limits: Limits
    pythons: Mapping[str, Retirement | None]
    memory: Span | None
    timeout: Span | None
    request: Figure | None
    response: Figure | None
    event: Figure | None
    name: str
    streaming: Ability | None
    asynchronous: Ability | None
    triggers: Mapping[str, Offer]
    evidence: Evidence

    @property
    def platform(self) -> str:
        """Its name in words."""
        return self.limits.platform


@dataclass(frozen=True, slots=True)
class Artifact:
    """One built function. `function` is its identity, `short` its unique short name; `digest` is "sha256:<hex>"."""

    function: str
    short: str
    cloud: str
    platform: str
    kind: str
    path: Path
    digest: str
    size: int
    python: str
    distributions: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check found. `level` is error or warning."""

    level: str
    message: str
    place: Place | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" ({self.hint})" if self.hint else "")
