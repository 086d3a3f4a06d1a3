"""Images to a registry: only what it has not, in chunks, and from another of its repositories where that has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from hyfn.errors import ConfigError, MachineError
from hyfn.pack.image import blobs, layout, media, pull, upload
from hyfn.pack.image.model import Descriptor
from hyfn.pack.image.pull import ACCEPT, Watch
from hyfn.pack.image.reference import REPOSITORY, Reference
from hyfn.pack.image.registry import Registry
from hyfn.toolchain import cache
from hyfn.toolchain.workers import Workers

PARALLEL = 4
DIGEST_HEADER = "docker-content-digest"
UPLOADED, MOUNTED, SKIPPED = "uploaded", "mounted", "skipped"


@dataclass(frozen=True, slots=True)
class Pushed:
    """`reference` has the digest. `sent` are the bytes of all requests' bodies.

    The others count blobs: sent, taken from another repository of the registry, there already.
    """

    reference: Reference
    sent: int
    uploaded: int
    mounted: int
    skipped: int


def push(folder: Path, reference: Reference, watch: Watch, *, is_plain: bool = False) -> Pushed:
    """Put the image of a layout into a registry, under the reference's tag, and all that it needs before it.

    Layers that the layout lacks are taken from its base's registry. Safe to repeat: what is there is not sent again.
    `watch` is called from several threads, one at a time. Raises Unauthorised, Unreachable, NoSuchImage where a base's
    layer is gone, MachineError where the registry refuses the image.
    """
    root = layout.root(folder)
    if reference.digest not in ("", root.digest):
        raise ConfigError(f"{reference} cannot be what is pushed, which has {root.digest}", hint="name a tag only")
    wanted = _wanted(folder)
    sources = {one.digest: _source(one, base, reference) for one, base in wanted.items()}
    others = sorted({source for source in sources.values() if source})
    scopes = [f"repository:{reference.repository}:pull,push", *(f"repository:{name}:pull" for name in others)]
    with Registry(reference, scopes, is_plain) as registry:
        done: Counter[str] = Counter()
        if not _is_there(registry, root):
            done.update(_Pushing(registry, folder, watch, is_plain).all(wanted, sources))
            _put_manifests(registry, folder, root)
        return Pushed(replace(reference, digest=root.digest), registry.sent, *(done[kind] for kind in KINDS))


KINDS = (UPLOADED, MOUNTED, SKIPPED)


def _wanted(folder: Path) -> dict[Descriptor, Reference | None]:
    """The blobs of the layout's images, and the base that they may come from."""
    found: dict[Descriptor, Reference | None] = {}
    for one in layout.manifests(folder).values():
        manifest = layout.manifest_of(folder, one)
        name = f"the manifest {one.digest}"
        for each in (*media.layers(manifest, name), media.descriptor(manifest.get("config"), name)):
            found[replace(each, annotations={})] = pull.origin(manifest)
    return found


def _source(one: Descriptor, base: Reference | None, target: Reference) -> str:
    """A repository of the same registry that may have the blob, or ""."""
    known = _known(target.registry, one.digest)
    try:
        pushed = known.read_text()
    except FileNotFoundError:
        pushed = ""
    if REPOSITORY.fullmatch(pushed):
        return pushed if pushed != target.repository else ""
    return base.repository if base and base.registry == target.registry else ""


def _known(registry: str, digest: str) -> Path:
    """The file that says which repository has got the blob from this user."""
    return cache.home() / "images" / "pushed" / cache.key(registry, digest)


def _is_there(registry: Registry, root: Descriptor) -> bool:
    url = registry.url(f"manifests/{registry.reference.tag or root.digest}")
    answer = registry.ask("HEAD", url, ACCEPT)
    return answer.status == 200 and answer.headers.get(DIGEST_HEADER) == root.digest


class _Pushing:
    """The blobs of one push."""

    def __init__(self, registry: Registry, folder: Path, watch: Watch, is_plain: bool) -> None:
        self._registry = registry
        self._folder = folder
        self._watch = watch
        self._is_plain = is_plain
        self._turn = Lock()
        self._there = self._wanted = 0

    def all(self, wanted: Mapping[Descriptor, Reference | None], sources: Mapping[str, str]) -> list[str]:
        self._wanted = sum(one.size for one in wanted)
        with Workers(PARALLEL, "hyfn-push") as workers:
            jobs = [workers.submit(self._one, one, base, sources[one.digest]) for one, base in wanted.items()]
            return [job.result() for job in jobs]

    def _one(self, one: Descriptor, base: Reference | None, source: str) -> str:
        answer = self._registry.ask("HEAD", self._registry.url(f"blobs/{one.digest}"))
        if answer.status == 200:
            self._advance(one.size)
            return SKIPPED
        if answer.status != 404:
            raise self._registry.refusal(answer, "push")
        location = upload.mount(self._registry, one, source) if source else None
        if source and location is None:
            self._advance(one.size)
            kind = MOUNTED
        else:
            upload.send(self._registry, one, self._file(one, base), location, self._advance)
            kind = UPLOADED
        cache.put(_known(self._registry.reference.registry, one.digest), self._registry.reference.repository.encode())
        return kind

    def _file(self, one: Descriptor, base: Reference | None) -> Path:
        file = blobs.path(self._folder / layout.BLOBS, one.digest)
        if file.exists() or base is None:
            return file
        is_same = base.registry == self._registry.reference.registry
        return pull.layer(base, one, is_plain=self._is_plain and is_same)

    def _advance(self, count: int) -> None:
        with self._turn:
            self._there += count
            self._watch(self._there, self._wanted)


def _put_manifests(registry: Registry, folder: Path, root: Descriptor) -> None:
    """The machines' manifests by their digests, then what they are for by the tag: nobody sees half an image."""
    inner = [one for one in layout.manifests(folder).values() if one.digest != root.digest]
    for one, name in [*((one, one.digest) for one in inner), (root, registry.reference.tag or root.digest)]:
        body = blobs.content(folder / layout.BLOBS, one, media.MAX_MANIFEST)
        answer = registry.ask("PUT", registry.url(f"manifests/{name}"), {"Content-Type": one.media_type}, body)
        if answer.status not in (200, 201, 202):
            raise registry.refusal(answer, "push")
        if answer.headers.get(DIGEST_HEADER, one.digest) != one.digest:
            raise MachineError(f"{registry.reference.registry} took {one.digest} for {answer.headers[DIGEST_HEADER]}")
