"""Packages that bring hyfn a cloud, as if they were installed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures" / "providers"


def installed(source: Path, into: Path) -> str:
    """PYTHONPATH with the package in the folder `source`, whose metadata is written to `into` as installers do."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    info = into / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    clouds = project["entry-points"]["hyfn.clouds"]
    lines = [f"{name} = {package}\n" for name, package in clouds.items()]
    (info / "entry_points.txt").write_text(f"[hyfn.clouds]\n{''.join(lines)}")
    return os.pathsep.join([str(source), str(into)])
