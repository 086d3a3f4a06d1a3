"""A package index in a folder, which uv reads without a server: the simple repository API (PEP 503) as files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STATIC = "Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n"


@dataclass
class FolderIndex:
    """`yanked` are files that pages call withdrawn (PEP 592)."""

    folder: Path
    yanked: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def wheel(
        self, name: str, version: str, tag: str = "py3-none-any", requires: Sequence[str] = (), text: str = "x = 1\n"
    ) -> Path:
        """Publish a wheel with one module. Again under the same name, it takes the other's place."""
        return self.put(f"{name}-{version}-{tag}.whl", wheel(name, version, tag, requires, text))

    def sdist(self, name: str, version: str, files: Mapping[str, str] | None = None) -> Path:
        """Publish a source distribution whose metadata is static, unless `files` say otherwise."""
        info = STATIC.format(name=name, version=version)
        content = {"PKG-INFO": info, "pyproject.toml": "[project]\n" + f'name = "{name}"\nversion = "{version}"\n'}
        return self.put(f"{name}-{version}.tar.gz", sdist(name, version, {**content, **(files or {})}))

    def yank(self, file: Path) -> None:
        self.yanked.add(file.name)
        self._write_page(file.parent)

    def put(self, file: str, content: bytes) -> Path:
        folder = self.folder / file.split("-")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
        self._write_page(folder)
        return folder / file

    def _write_page(self, folder: Path) -> None:
        files = sorted(path.name for path in folder.iterdir() if path.name != "index.html")
        yanked = {file: ' data-yanked="bad"' if file in self.yanked else "" for file in files}
        links = [f'<a href="{file}"{yanked[file]}>{file}</a>' for file in files]
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")


def wheel(name: str, version: str, tag: str, requires: Sequence[str], text: str) -> bytes:
    info = f"{name}-{version}.dist-info"
    extras = [one.rsplit("==", 1)[1].strip(" '") for one in requires if "extra ==" in one]
    headers = [f"Provides-Extra: {one}\n" for one in extras] + [f"Requires-Dist: {one}\n" for one in requires]
    members = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(headers)}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/RECORD": f"{name}.py,,\n",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return made.getvalue()


def sdist(name: str, version: str, files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()
