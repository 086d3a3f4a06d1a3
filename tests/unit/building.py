"""A shop of six functions, and builds of it as a user starts them, from an index in a folder: without a network."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyfn.pack import delivery, fresh
from tests.commands import Command, Ran, hyfn, written
from tests.fakes.folder_index import FolderIndex
from tests.unit import index

FILES: Mapping[str, str] = {
    "pyproject.toml": """
        [project]
        name = "shop"
        dependencies = ["markupsafe", "pyyaml", "six"]
    """,
    "texts.py": """
        import markupsafe

        def clean(text: str) -> str:
            return str(markupsafe.escape(text))
    """,
    "pages.py": """
        from hyfn import aws
        from orders import order
        from texts import clean

        @aws
        def page(text: str) -> str:
            return clean(text) * order(1)
    """,
    "mails.py": """
        import yaml
        from hyfn import gcp

        @gcp
        def mail(text: str) -> str:
            return str(yaml.safe_dump({"text": text}))
    """,
    "orders.py": """
        import json
        from pathlib import Path

        from hyfn import azure

        @azure
        def order(count: int) -> int:
            return count * int(json.loads(Path(__file__).with_name("prices.json").read_text())["apple"])
    """,
    "prices.json": '{"apple": 2}',
    "ships.py": """
        import six
        from hyfn import knative

        @knative
        def ship(text: str) -> str:
            return str(six.ensure_str(text))
    """,
    "small.py": """
        from hyfn import aws
        from texts import clean

        @aws(architecture="arm64")
        def small(text: str) -> str:
            return clean(text)
    """,
    "totals.py": """
        from hyfn import gcp

        @gcp
        def total(count: int) -> int:
            return count + 1
    """,
}
ARTIFACTS = {
    "page": "aws/page.zip",
    "mail": "gcp/mail.zip",
    "order": "azure/order.zip",
    "ship": "knative/ship.oci",
    "small": "aws/small.zip",
    "total": "gcp/total.zip",
}
OTHER_TEXTS = FILES["texts.py"].replace("return str(", "return '~' + str(")
"""Another line in a module that two functions reach."""
REACHED = {"page", "small"}
"""Those two."""


@dataclass
class Shop:
    """The project in `root`; `env` is what its builds find beside a user's own environment."""

    root: Path
    env: Mapping[str, str]
    out: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        if self.out == Path():
            self.out = self.root / ".hyfn" / "build"

    @property
    def cache(self) -> Path:
        return Path(self.env["HYFN_CACHE"])

    def build(self, *options: str | Path, env: Mapping[str, str] | None = None) -> Ran:
        """One that succeeds."""
        done = self.tried(*options, env=env)
        assert done.status == 0, done.err
        return done

    def tried(self, *options: str | Path, env: Mapping[str, str] | None = None) -> Ran:
        return hyfn("build", self.root, *self._options(options), cwd=self.root.parent, env={**self.env, **(env or {})})

    def started(self, *options: str | Path) -> Command:
        return Command("build", self.root, *self._options(options), cwd=self.root.parent, env=self.env)

    def _options(self, options: tuple[str | Path, ...]) -> list[str | Path]:
        return [*options, *(() if self.out.parent.name == delivery.OWN else ("--out", self.out))]

    def settle(self) -> None:
        """Wait until what was written last is told from what will be written next by its time."""
        time.sleep(fresh.SETTLED + 0.02)

    def settled(self) -> Ran:
        """A build after which the next one finds no change."""
        self.build()
        self.settle()
        return self.build()

    def built(self) -> int:
        """When the last build wrote something: a build that finds no change leaves it as it is."""
        return (self.out / delivery.STATE).stat().st_mtime_ns

    @property
    def manifest(self) -> Any:
        return json.loads((self.out / delivery.MANIFEST).read_text())

    def digests(self) -> dict[str, str]:
        """By function, what the manifest says of its artifact, which is so."""
        said = {each["function"]: each["digest"] for each in self.manifest["artifacts"]}
        for each in self.manifest["artifacts"]:
            assert each["digest"] == self.digest(self.out / each["path"]), each["path"]
        return said

    def digest(self, artifact: Path) -> str:
        """Of a zip that of its bytes; of an image that of its manifest, whose blobs are what their names say."""
        if artifact.is_file():
            return f"sha256:{hashlib.sha256(artifact.read_bytes()).hexdigest()}"
        for blob in (artifact / "blobs" / "sha256").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        return str(json.loads((artifact / "index.json").read_text())["manifests"][0]["digest"])

    def files(self) -> dict[str, bytes]:
        """All that the build wrote for others than this machine."""
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes()
            for path in self.out.rglob("*")
            if path.is_file() and path.name != delivery.STATE
        }

    def places(self) -> dict[str, tuple[int, int]]:
        """By function, the inode and time of its artifact; of an image those of the file that names the others."""
        found = {name: self.out / path for name, path in ARTIFACTS.items()}
        stats = {name: (path / "index.json" if path.is_dir() else path).stat() for name, path in found.items()}
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}

    def copy(self, root: Path, **env: str) -> Shop:
        """Another project with the same files and lock, that was never built."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns(delivery.OWN))
        return Shop(root, {**self.env, **env})


Change = Callable[[Shop], object]


def open_shop(folder: Path, wheels: FolderIndex, **env: str) -> Shop:
    """A shop that has nothing yet: no lock, and empty caches."""
    caches = {"HYFN_CACHE": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv")}
    (folder / "tmp").mkdir(parents=True)
    own = {"UV_DEFAULT_INDEX": wheels.url, "TMPDIR": str(folder / "tmp"), "XDG_CONFIG_HOME": str(folder / "config")}
    return Shop(written(folder / "shop", FILES), {**caches, **own, **env})


@functools.cache
def stocked(folder: Path) -> FolderIndex:
    """An index with the real wheels that the shop takes, from wherever uv finds them. Once for all tests."""
    index.require()
    env = {"HYFN_CACHE": str(folder / "cache")}
    Shop(written(folder / "shop", FILES), env).build()
    found = FolderIndex(folder / "index")
    for wheel in (folder / "cache" / "files").rglob("*.whl"):
        found.put(wheel.name, wheel.read_bytes())
    return found


@functools.cache
def stock(folder: Path) -> Shop:
    """A shop that was built: its lock is written, its caches are full. Once for all tests, and not to be changed."""
    shop = open_shop(folder / "stock", stocked(folder / "stocked"))
    shop.settled()
    return shop


def append(name: str, text: str = "# more\n") -> Change:
    def change(shop: Shop) -> None:
        with (shop.root / name).open("a") as opened:
            opened.write(text)

    return change


def forge(name: str, old: str, new: str) -> Change:
    """Another text, in the same file under the old time."""

    def change(shop: Shop) -> None:
        path = shop.root / name
        stat, text = path.stat(), path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    return change


def spoil(path: Path) -> None:
    """One bit of it, as a disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def expected(stock: Shop, folder: Path) -> dict[str, dict[str, str]]:
    """By the text of texts.py, the digests of a build that nobody disturbs."""
    found = {}
    for number, text in enumerate((FILES["texts.py"], OTHER_TEXTS)):
        other = stock.copy(folder / f"expected-{number}")
        written(other.root, {"texts.py": text})
        other.build()
        found[text] = other.digests()
    return found
