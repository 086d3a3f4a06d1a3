"""What travels of hyfn itself is what runs there, and no more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hyfn import clouds
from hyfn.pack import stage

PACKAGES = sorted({platform.package for platform in clouds.platforms().values()})


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path))
    stage.travelling.cache_clear()


def statements(text: str) -> list[tuple[str, int]]:
    return [(type(node).__name__, node.lineno) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_statement_keeps_its_line_and_docstrings_stay_at_home(package: str) -> None:
    files = {name: content.decode() for name, content in stage.travelling(package).items() if name.endswith(".py")}
    for name, text in files.items():
        assert statements(text) == statements((stage.ROOT.parent / name).read_text()), name
    assert sum(map(len, files.values())) < 0.85 * sum(len((stage.ROOT.parent / name).read_text()) for name in files)


def test_what_was_kept_is_what_was_made(tmp_path: Path) -> None:
    made = stage.travelling(PACKAGES[0])
    stage.travelling.cache_clear()
    assert list((tmp_path / "own").iterdir())
    assert stage.travelling(PACKAGES[0]) == made
