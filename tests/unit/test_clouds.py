"""The clouds are what the folders and the installed entry points say, and nowhere a list of names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hyfn import clouds
from hyfn.errors import ConfigError
from tests.unit.discovering import write

ACME = {
    "acme/__init__.py": "from hyfn.declare import platform\n@platform\ndef acme(*, name: str = '') -> None: ...\n",
    "acme/pack.py": "packer = 'acme packs'\n",
    "acme-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1\n",
    "acme-1.dist-info/entry_points.txt": "[hyfn.clouds]\nacme = acme\n",
}


def test_every_folder_with_a_decorator_is_known() -> None:
    folders = sorted(path.parent.name for path in Path(clouds.__path__[0]).glob("*/__init__.py"))
    assert clouds.known() == folders


def test_a_platform_is_found_by_its_decorator_s_name() -> None:
    found = clouds.platforms()
    assert {platform.cloud for platform in found.values()} == set(clouds.known())
    assert all(platform.name == name for name, platform in found.items())


def test_a_part_of_a_cloud_is_its_module() -> None:
    assert clouds.get("aws", "pack").__name__ == "hyfn.clouds.aws.pack"


def test_an_installed_cloud_is_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(write(tmp_path, ACME))
    monkeypatch.delitem(sys.modules, "acme", raising=False)
    assert "acme" in clouds.known()
    assert clouds.platforms()["acme"].cloud == "acme"
    assert clouds.get("acme", "pack").packer == "acme packs"


def test_an_installed_cloud_is_called_as_its_entry_point_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"acme-1.dist-info/entry_points.txt": "[hyfn.clouds]\ncumulus = acme\n"}
    monkeypatch.syspath_prepend(write(tmp_path, ACME | entry))
    found = clouds.platforms()["acme"]
    assert (found.cloud, found.package, found.distribution) == ("cumulus", "acme", "acme")
    assert clouds.get("cumulus", "pack").packer == "acme packs"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("acme/__init__.py", "1 / 0", "the cloud 'acme' cannot be loaded: acme: ZeroDivisionError"),
        ("acme/__init__.py", ACME["acme/__init__.py"].replace("acme", "aws"), "acme and hyfn.clouds.aws both have a p"),
        ("acme-1.dist-info/entry_points.txt", "[hyfn.clouds]\naws = acme\n", "acme calls its cloud 'aws', as hyfn c"),
        ("acme-1.dist-info/entry_points.txt", "[hyfn.clouds]\nacme = nowhere\n", "loaded: nowhere: ModuleNotFound"),
        (
            "b-1.dist-info/entry_points.txt",
            "[hyfn.clouds]\nacme = b\n",
            "and acme both call their cloud 'acme'|and b b",
        ),
    ],
)
def test_what_an_installed_cloud_may_not_do_is_a_config_error(
    file: str, text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(write(tmp_path, ACME | {"b-1.dist-info/METADATA": "Name: b\nVersion: 1\n", file: text}))
    monkeypatch.delitem(sys.modules, "acme", raising=False)
    with pytest.raises(ConfigError, match=said) as raised:
        clouds.platforms()
    assert raised.value.hint == "upgrade or uninstall the package that brings it"


def test_an_artifact_says_itself_which_clouds_are_others(tmp_path: Path) -> None:
    """Nothing is installed there, and looking would cost its start."""
    package = Path(clouds.__path__[0]).parent
    (tmp_path / "hyfn").symlink_to(package)
    write(
        tmp_path, {"hyfn.json": '{"clouds": {"cumulus": "acme"}}', "acme/__init__.py": "", "acme/call.py": "here = 1"}
    )
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from hyfn import clouds;"
        "print(clouds.get('cumulus', 'call').here, 'importlib.metadata' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "1 False\n"


def test_a_cloud_that_is_not_there_is_a_config_error_that_lists_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"hyfn has no cloud 'awz' \(it has .*aws"):
        clouds.get("awz", "pack")


def test_a_part_that_is_not_there_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        clouds.get("aws", "nothing")


def test_getting_a_part_looks_for_no_entry_points() -> None:
    program = (
        "import sys; from hyfn import clouds; clouds.get('aws', 'host'); print('importlib.metadata' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
