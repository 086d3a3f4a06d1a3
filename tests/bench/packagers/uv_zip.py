"""Installs each function's requirements with uv and zips them with its modules: `uv_zip.py UV PYTHON APP OUT`.

It is what people write by hand. Every function has a folder in APP with its modules and a requirements.txt. Into a
copy of that folder `uv pip install --target` puts the wheels (for Lambda's platform, no sdist, from uv's cache by hard
links), and `zipfile` deflates all of it at level 6 with fixed dates, sorted. Several functions are installed at once,
and the zips are written one after another. It knows nothing of the run before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TARGET = ["--python-platform", "x86_64-manylinux_2_34", "--python-version", "3.13", "--only-binary", ":all:"]


def main() -> None:
    uv, python, app, out = sys.argv[1:]
    functions = sorted(path for path in Path(app).iterdir() if path.is_dir())
    shutil.rmtree(out, ignore_errors=True)
    Path(out).mkdir(parents=True)
    stages = [Path(out) / function.name for function in functions]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda pair: install(uv, python, *pair), zip(functions, stages, strict=True)):
            pass
    for stage in stages:
        write(stage, stage.with_name(f"{stage.name}.zip"))
        shutil.rmtree(stage)


def install(uv: str, python: str, function: Path, stage: Path) -> None:
    shutil.copytree(function, stage)
    requirements = stage / "requirements.txt"
    if requirements.read_text():
        command = [uv, "pip", "install", "--quiet", "--python", python, *TARGET, "--target", str(stage)]
        subprocess.run([*command, "-r", str(requirements)], check=True)
    requirements.unlink()


def write(stage: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as opened:
        for path in sorted(stage.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(stage).as_posix(), (1980, 1, 1, 0, 0, 0))
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                opened.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED, 6)


if __name__ == "__main__":
    main()
