"""What an artifact is made of: documents that CycloneDX's own validator takes, the same on every machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from hyfn.model import Part
from hyfn.pack import sbom

GOLDEN = Path(__file__).parent.parent / "golden" / "sbom"
DIGEST = f"sha256:{'0f' * 32}"

HTTPX = Part(
    "httpx",
    "0.28.1",
    "httpx-0.28.1-py3-none-any.whl",
    "1a" * 32,
    "BSD-3-Clause",
    73_517,
    240_000,
    ["app.py:3 imports pricing", "pricing.py:1 imports httpx"],
    ["certifi", "idna"],
)
CERTIFI = Part(
    "certifi", "2025.1.31", "certifi.whl", "2b" * 32, "mpl-2.0", 160_000, 300_000, [*HTTPX.why, "httpx needs certifi"]
)
IDNA = Part("idna", "3.10", "idna.whl", "3c" * 32, "BSD 2-Clause License", 70_000, 200_000, ["httpx needs idna"])
NUMPY = Part(
    "numpy",
    "2.2.6+mkl.1",
    "numpy.whl",
    "4d" * 32,
    "BSD-3-Clause AND (Zlib OR LicenseRef-x)",
    9,
    9,
    ["app.py:1 imports"],
)
OTHERS = [
    Part("some-thing", "1!2.0", "some_thing-2.0.tar.gz", "", "", 0, 0, []),
    Part("odd", "1", "odd.whl", "5e" * 32, "LicenseRef-odd", 1, 1, []),
    Part("later", "1", "later.whl", "6f" * 32, "Apache-2.0+", 1, 1, []),
    Part("quoting", "1", "quoting.whl", "70" * 32, 'the "ä" <licence> \\ & more', 1, 1, ["α.py:1 imports quoting"]),
]
RING = [
    Part("a", "1", "a.whl", "81" * 32, "MIT", 1, 1, [], ["b", "absent"]),
    Part("b", "1", "b.whl", "92" * 32, "MIT", 1, 1, [], ["c", "b"]),
    Part("c", "1", "c.whl", "a3" * 32, "MIT", 1, 1, [], ["b"]),
    Part("d", "1", "d.whl", "b4" * 32, "MIT", 1, 1, [], ["e"]),
    Part("e", "1", "e.whl", "c5" * 32, "MIT", 1, 1, [], ["d"]),
]
TWO_MACHINES = [replace(NUMPY, file=f"numpy-{machine}.whl") for machine in ("x86_64", "aarch64")] + [IDNA, IDNA]

DOCUMENTS = {
    "nothing": [],
    "few": [HTTPX, CERTIFI, IDNA, NUMPY],
    "licences": OTHERS,
    "rings": RING,
    "two-machines": TWO_MACHINES,
}


def written(parts: Sequence[Part], digest: str = DIGEST) -> bytes:
    return sbom.document("ocr", digest, "invoices", "aws", "3.13", "0.1.0", parts)


def needs(document: dict[str, Any], ref: str) -> list[str]:
    (edge,) = [each for each in document["dependencies"] if each["ref"] == ref]
    return list(edge.get("dependsOn", []))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_is_the_golden_one(name: str) -> None:
    assert written(DOCUMENTS[name]).decode() == (GOLDEN / f"{name}.json").read_text()


def test_there_is_no_golden_document_without_its_test() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == DOCUMENTS.keys()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_each_golden_document_is_valid_by_the_schema(path: Path) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text()) is None


def test_the_validator_finds_what_is_wrong() -> None:
    wrong = json.loads(written([HTTPX]))
    wrong["components"][2]["licenses"] = [{"license": {"id": "BSD 2-Clause License"}}]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(wrong)) is not None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_is_to_one_component(name: str) -> None:
    document = json.loads(written(DOCUMENTS[name]))
    refs = [document["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in document["components"])]
    assert len(refs) == len(set(refs))
    assert sorted(each["ref"] for each in document["dependencies"]) == sorted(refs)
    assert {need for ref in refs for need in needs(document, ref)} == set(refs) - {DIGEST}


def test_the_order_of_parts_does_not_matter() -> None:
    assert written([IDNA, NUMPY, HTTPX, CERTIFI]) == written([HTTPX, CERTIFI, IDNA, NUMPY])


def test_another_digest_is_another_serial_number() -> None:
    one, other = (json.loads(written([], f"sha256:{each * 32}"))["serialNumber"] for each in ("01", "02"))
    assert one != other


def test_what_nothing_else_needs_is_what_the_artifact_needs() -> None:
    document = json.loads(written([HTTPX, CERTIFI, IDNA, NUMPY]))
    own = ["pkg:pypi/hyfn@0.1.0", "pkg:generic/cpython@3.13"]
    assert needs(document, DIGEST) == [*own, "pkg:pypi/httpx@0.28.1", "pkg:pypi/numpy@2.2.6%2Bmkl.1"]
    assert needs(document, "pkg:pypi/httpx@0.28.1") == ["pkg:pypi/certifi@2025.1.31", "pkg:pypi/idna@3.10"]


@pytest.mark.parametrize(
    "headers, found",
    [
        ("License-Expression: MIT\nLicense: other\nClassifier: License :: OSI Approved :: ISC License (ISCL)", "MIT"),
        ("License: BSD\nClassifier: License :: OSI Approved :: BSD License", "BSD"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: ISC License (ISCL)", "ISC License (ISCL)"),
        ("License: Copyright\n  of someone\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        (f"License: {'x' * 101}\nClassifier: License :: Public Domain", "Public Domain"),
        (
            "Classifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: BSD License\nClassifier: Topic :: Software",
            "MIT License, BSD License",
        ),
        ("License: \nClassifier: License :: OSI Approved", ""),
        ("Name: nothing", ""),
    ],
)
def test_a_licence_is_what_the_metadata_says_best(headers: str, found: str) -> None:
    assert sbom.license_of(HeaderParser().parsestr(headers)) == found
