"""What an artifact is made of, as a CycloneDX 1.6 document: the same bytes for the same artifact.

The layout is https://cyclonedx.org/docs/1.6/json/. It is written here since the library for it costs 110 ms to import,
a third of a build; the tests hold what is written against that library's own validator.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from typing import Any
from urllib.parse import quote

from hyfn.model import Part

LONGEST_NAME = 100
"""Characters of a License field that is a name; some hold the whole text of the licence."""
CLASSIFIER = "License :: "


def document(
    artifact_name: str, digest: str, app: str, platform: str, python: str, hyfn_version: str, parts: Sequence[Part]
) -> bytes:
    """The document of one artifact. `digest` is "sha256:<hex>", `python` "3.13". No clock and no machine is in it.

    An image for two machines has parts of the same name from different files.
    """
    framework = _component("framework", "hyfn", hyfn_version, f"pkg:pypi/hyfn@{quote(hyfn_version, safe='')}")
    interpreter = _component("platform", "cpython", python, f"pkg:generic/cpython@{quote(python, safe='')}")
    refs = _refs(parts)
    made = {
        "bom-ref": digest,
        "type": "application",
        "group": app,
        "name": artifact_name,
        "hashes": _hashes(digest.removeprefix("sha256:")),
        "properties": [_property("platform", platform)],
    }
    value = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_serial(digest)}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "hyfn", "version": hyfn_version}]},
            "component": made,
        },
        "components": [framework, interpreter, *(_library(refs[ref], ref) for ref in sorted(refs))],
        "dependencies": _graph(digest, [framework["bom-ref"], interpreter["bom-ref"]], refs),
    }
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def _refs(parts: Sequence[Part]) -> dict[str, Part]:
    """Each once, by what other places of the document call it: its purl, and its file where that is not enough."""
    by_purl: dict[str, dict[str, Part]] = {}
    for part in parts:
        by_purl.setdefault(_purl(part), {}).setdefault(part.file, part)
    return {
        purl if len(files) == 1 else f"{purl}?file_name={quote(file, safe='')}": part
        for purl, files in by_purl.items()
        for file, part in files.items()
    }


def _serial(digest: str) -> str:
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_URL, digest))


def _component(kind: str, name: str, version: str, purl: str) -> dict[str, Any]:
    return {"bom-ref": purl, "type": kind, "name": name, "version": version, "purl": purl}


def _library(part: Part, ref: str) -> dict[str, Any]:
    about = [_property("file", part.file), _property("packed", part.packed), _property("unpacked", part.unpacked)]
    return {
        **_component("library", part.name, part.version, ref),
        **({"hashes": _hashes(part.sha256)} if part.sha256 else {}),
        **({"licenses": [_license(part.license)]} if part.license else {}),
        "properties": [*about, *(_property("why", step) for step in part.why)],
    }


def _purl(part: Part) -> str:
    """https://github.com/package-url/purl-spec, type pypi: names are normalised, versions percent-encoded."""
    return f"pkg:pypi/{part.name}@{quote(part.version, safe='')}"


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _property(name: str, value: object) -> dict[str, str]:
    return {"name": f"hyfn:{name}", "value": str(value)}


def _license(text: str) -> dict[str, Any]:
    """An SPDX id or expression where it is one, else a name."""
    from packaging import licenses

    try:
        expression = licenses.canonicalize_license_expression(text)
    except licenses.InvalidLicenseExpression:
        return {"license": {"name": text}}
    is_id = not expression.startswith("LicenseRef-") and not set(" +()") & set(expression)
    return {"license": {"id": expression}} if is_id else {"expression": expression}


def _graph(digest: str, own: Sequence[str], refs: Mapping[str, Part]) -> list[dict[str, Any]]:
    by_name: dict[str, list[str]] = {}
    for ref in sorted(refs):
        by_name.setdefault(refs[ref].name, []).append(ref)
    needs = {
        ref: [each for name in sorted({*refs[ref].requires} - {refs[ref].name}) for each in by_name.get(name, ())]
        for ref in sorted(refs)
    }
    return [_edge(digest, [*own, *_first(needs)]), *(_edge(ref, []) for ref in own), *map(_edge, needs, needs.values())]


def _edge(ref: str, needs: Sequence[str]) -> dict[str, Any]:
    return {"ref": ref, **({"dependsOn": list(needs)} if needs else {})}


def _first(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Those from which all others are reached: what nothing needs, and one of each ring that would be left."""
    needed = {need for each in needs.values() for need in each}
    first = [name for name in needs if name not in needed]
    reached = _reached(first, needs)
    for name in needs:
        if name not in reached:
            first.append(name)
            reached |= _reached([name], needs)
    return sorted(first)


def _reached(names: Iterable[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    waiting = list(names)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs[name]
    return found


def license_of(metadata: Message) -> str:
    """By a distribution's core metadata: License-Expression, else a short License, else its classifiers; or ""."""
    expression = _said(metadata, "License-Expression")
    if expression:
        return expression
    text = _said(metadata, "License")
    if text and "\n" not in text and len(text) <= LONGEST_NAME and text.upper() != "UNKNOWN":
        return text
    classifiers = [str(each).strip() for each in metadata.get_all("Classifier", [])]
    names = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith(CLASSIFIER)]
    return ", ".join(name for name in dict.fromkeys(names) if name != "OSI Approved")


def _said(metadata: Message, header: str) -> str:
    return str(metadata.get(header) or "").strip()
