"""Data files that kept code names travel beside its modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.small_projects import HEAD, linked, run, sliced


@pytest.mark.parametrize(
    ("code", "travels"),
    [
        ("open('words.txt').read()", {"words.txt"}),
        ("(Path(__file__).parent / 'data' / 'a.json').read_text()", {"data/a.json"}),
        ("Path(__file__).with_name('words.txt')", {"words.txt"}),
        ("os.path.join(os.path.dirname(__file__), 'data', 'a.json')", {"data/a.json"}),
        ("os.path.join(HERE, 'data')", {"data/a.json", "data/deep/b.bin"}),
        ("files('pack').joinpath('inside.txt')", {"pack/inside.txt"}),
        ("pkgutil.get_data('pack', 'inside.txt')", {"pack/inside.txt"}),
        ("PackageLoader('pack', 'pages')", {"pack/pages/mail.html"}),
        ("FileSystemLoader('pack/pages')", {"pack/pages/mail.html"}),
        ("Path(__file__).parent.glob('*.txt')", {"words.txt", "other.txt"}),
        ("files('pack').joinpath(x)", {"pack/inside.txt", "pack/pages/mail.html"}),
        ("logging.getLogger('pack')", set()),
        ("open(f'{HERE}/words.txt')", {"words.txt"}),
        ("'words'", set()),
        ("open('../outside.txt')", set()),
        ("open('/etc/hostname')", set()),
        ("open('.env')", set()),
        ("open('data/id_rsa')", set()),
        ("open('server.key')", set()),
        ("open('server.pem')", set()),
        ("open('ca.pem')", {"ca.pem"}),
        ("open('leading_out.txt')", set()),
        ("open('app.py')", set()),
        ("'.'", set()),
        ("''", set()),
    ],
)
def test_files_that_the_code_names_travel_and_secrets_never(tmp_path: Path, code: str, travels: set[str]) -> None:
    files = {
        "app.py": "import os, pkgutil\nfrom pathlib import Path\nfrom importlib.resources import files\n"
        "from jinja2 import FileSystemLoader, PackageLoader\n"
        + HEAD
        + f"HERE = os.path.dirname(__file__)\n@aws\ndef one(x: str) -> str:\n    return {code}\n"
        "@gcp\ndef two(x: str) -> str:\n    return open('other.txt')\n",
        "pack/__init__.py": "",
        "pack/inside.txt": "i",
        "pack/pages/mail.html": "m",
        "words.txt": "w",
        "other.txt": "o",
        "data/a.json": "{}",
        "data/deep/b.bin": "b",
        "data/deep/.hidden": "h",
        "data/id_rsa": "k",
        "data/prod.env": "k",
        ".env": "SECRET=1",
        "server.key": "k",
        "server.pem": "-----BEGIN RSA PRIVATE KEY-----",
        "ca.pem": "-----BEGIN CERTIFICATE-----",
    }
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("o")
    (folder / "leading_out.txt").symlink_to(tmp_path / "outside.txt")
    cut = sliced(linked(folder, files), "one")
    assert {name for name in cut.files if not name.endswith(".py")} == travels


def test_a_function_reads_its_file_in_the_slice(tmp_path: Path) -> None:
    files = {
        "app.py": "from pathlib import Path\n" + HEAD + "TEMPLATES = Path(__file__).parent / 'templates'\n"
        "@aws\ndef one(x: str) -> str:\n    return (TEMPLATES / 'mail.txt').read_text()\n",
        "templates/mail.txt": "Dear {name}",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__(''))") == "Dear {name}"
