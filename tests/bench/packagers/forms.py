"""The application written as each packager wants it. The functions' and the shared modules' texts are the same."""

from __future__ import annotations

from pathlib import Path

from tests.bench.packagers import app
from tests.bench.packagers.app import App, Function

RUNTIME = "python3.13"
HANDLER = "\n\ndef handler(event: dict, context: object) -> float:\n    return {name}(event['values'])\n"


def hyfn(made: App, folder: Path, *, pyc: bool = True) -> None:
    """A decorator above each function, and pyproject.toml."""
    (folder / "functions").mkdir(parents=True)
    (folder / "functions" / "__init__.py").touch()
    app.write_shared(made.shared, folder)
    for function in made.functions:
        text = app.module(function, extra_import="from hyfn import aws\n", decorator='@aws(python="3.13")\n')
        module_of_package(folder, function).write_text(text)
    requirements = ", ".join(f'"{requirement}"' for requirement in ["hyfn", *made.requirements])
    settings = "" if pyc else "\n[tool.hyfn.build]\npyc = false\n"
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "bench"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{requirements}]\n\n'
        f'[tool.hyfn]\napp = "bench"\n{settings}'
    )


def module_of_package(folder: Path, function: Function) -> Path:
    return folder / "functions" / f"{function.name}.py"


def folders(made: App, folder: Path) -> None:
    """A folder for each function, as uv + zip and SAM want it: its modules, and its own requirements."""
    for function in made.functions:
        own = folder / function.name
        app.write_shared(function.shared, own)
        module_of_folder(folder, function).write_text(app.module(function) + HANDLER.format(name=function.name))
        (own / "requirements.txt").write_text("".join(f"{requirement}\n" for requirement in function.requirements))


def module_of_folder(folder: Path, function: Function) -> Path:
    return folder / function.name / f"{function.name}.py"


def sam(made: App, folder: Path) -> None:
    """Those folders, and a template that names them."""
    folders(made, folder)
    resources = "".join(
        f"  {function.name.title().replace('_', '')}:\n"
        "    Type: AWS::Serverless::Function\n"
        f"    Properties:\n      CodeUri: {function.name}/\n      Handler: {function.name}.handler\n"
        for function in made.functions
    )
    (folder / "template.yaml").write_text(
        'AWSTemplateFormatVersion: "2010-09-09"\nTransform: AWS::Serverless-2016-10-31\n'
        f"Globals:\n  Function:\n    Runtime: {RUNTIME}\n    Architectures: [x86_64]\nResources:\n{resources}"
    )


def chalice(made: App, folder: Path) -> None:
    """One app.py, and all modules in chalicelib.

    Chalice imports app.py to package it. Each handler imports its function only when it is called, so that no import of
    numpy is charged to Chalice: with imports at the top, "no change" costs it twice as much.
    """
    library = folder / "chalicelib"
    app.write_shared(made.shared, library)
    (library / "functions").mkdir()
    for package in (library, library / "functions"):
        (package / "__init__.py").touch()
    for function in made.functions:
        text = app.module(function).replace("from shared import", "from chalicelib.shared import")
        module_of_library(folder, function).write_text(text)
    (folder / "app.py").write_text(_chalice_app(made))
    (folder / "requirements.txt").write_text("".join(f"{requirement}\n" for requirement in made.requirements))
    (folder / ".chalice").mkdir()
    (folder / ".chalice" / "config.json").write_text(
        '{"version": "2.0", "app_name": "bench", "stages": {"dev": {"autogen_policy": false}}}\n'
    )
    (folder / ".chalice" / "policy-dev.json").write_text('{"Version": "2012-10-17", "Statement": []}\n')


def module_of_library(folder: Path, function: Function) -> Path:
    return folder / "chalicelib" / "functions" / f"{function.name}.py"


def _chalice_app(made: App) -> str:
    handlers = "".join(
        f'\n\n@app.lambda_function(name="{function.name}")\n'
        f"def handle_{function.name}(event, context):\n"
        f"    from chalicelib.functions.{function.name} import {function.name}\n\n"
        f"    return {function.name}(event['values'])\n"
        for function in made.functions
    )
    return f'from chalice import Chalice\n\napp = Chalice(app_name="bench")\n{handlers}'
