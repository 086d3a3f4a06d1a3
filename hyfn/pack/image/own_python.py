"""A base image with nothing but this machine's own CPython: for tests, and where no registry is in reach."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from hyfn.errors import ConfigError, MachineError
from hyfn.pack.image import layer, rootfs
from hyfn.pack.image.model import Base, Settings
from hyfn.toolchain import cache, pythons, tools
from hyfn.toolchain.pythons import Interpreter

VERSION = "2"
"""Of what is in the root: another number makes every one anew."""
NAME = "scratch-python"
USER = "65532:65532"
PLACE = Path("usr/local")
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep what they trust: Debian, Red Hat, SUSE, Alpine."""
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
LEFT_OUT = re.compile(
    r"(^|/)(tests?|__pycache__|idlelib|turtledemo|tkinter|lib2to3|ensurepip|site-packages|dist-packages|config-[^/]*)/"
    r"|(^|/)(_tkinter|_test|_ctypes_test|_xxtest|xxlimited|xxsubtype|turtle\.py)"
)
"""Of the standard library: what no function imports."""
WRITTEN = {
    "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnonroot:x:65532:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
NAME_SERVICE = ("libnss_files.so.2", "libnss_dns.so.2")
"""What glibc loads by name, and no program is linked with."""
OF_WHEELS = (
    *("libgcc_s.so.1", "libstdc++.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1"),
    *("libresolv.so.2", "libatomic.so.1", "libz.so.1", "libexpat.so.1"),
)
"""What wheels may expect of any system: those of PEP 513 and PEP 600 that a system without a screen has."""
FACTS = (
    "import json,sys,sysconfig;"
    "print(json.dumps([sys.executable,sysconfig.get_path('stdlib'),sysconfig.get_config_var('DESTSHARED') or '']))"
)
FOUND = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
"""A line of ldd, of a library that is there."""
SECONDS = 300.0
PROGRAM, PLAIN, ANYBODYS = 0o755, 0o644, 0o1777


def base(machine: str, python: str) -> Base:
    """This machine's own CPython of the minor version ("3.13") with its libraries, certificates and standard library.

    `python3` and `python` are on PATH, the user is 65532, /tmp is anybody's. Made once for each interpreter.
    ConfigError for another machine than this, MachineError where it has no such interpreter.
    """
    here = os.uname().machine
    if machine != here:
        said = f"the base {NAME} is this machine's own Python, for {here} and not for {machine}"
        raise ConfigError(said, hint="name an image of a registry as the base")
    interpreter = pythons.interpreter(python)
    if interpreter is None:
        said = f"this machine has no CPython {python} for the base {NAME}"
        raise MachineError(said, hint=f"uv python install {python}")
    settings = Settings(
        env={"PATH": rootfs.PATH, "LANG": "C.UTF-8", "HOME": "/tmp", "SSL_CERT_FILE": f"/{BUNDLE}"},  # noqa: S108
        user=USER,
        working_dir="/",
    )
    return rootfs.kept(_key(interpreter), functools.partial(fill, interpreter), machine, settings)


def _key(interpreter: Interpreter) -> str:
    status = interpreter.path.resolve().stat()
    facts = f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"
    return "python-" + cache.key(VERSION, layer.VERSION, str(interpreter.path), interpreter.version, facts)


def fill(interpreter: Interpreter, root: Path) -> None:
    """Make the new folder `root` the root of a container with the interpreter in it."""
    executable, stdlib, extensions = (Path(each) for each in json.loads(_run(interpreter, ["-c", FACTS])))
    minor = ".".join(interpreter.version.split(".")[:2])
    library = root / PLACE / "lib" / f"python{minor}"
    sources = {library / name: stdlib / name for name in _kept(stdlib)}
    if not extensions.is_relative_to(stdlib):
        sources |= {library / "lib-dynload" / name: extensions / name for name in _kept(extensions)}
    program = root / PLACE / "bin" / f"python{minor}"
    sources[program] = executable.resolve()
    sources |= _libraries(root, [program for program in sources.values() if rootfs.elf_machine(program)])
    bundle = next((Path(each) for each in CERTIFICATES if Path(each).exists()), None)
    for target, source in {**sources, **({root / BUNDLE: bundle} if bundle else {})}.items():
        _copy(source, target)
    for name in ("python3", "python"):
        (program.with_name(name)).symlink_to(program.name)
    _run(interpreter, _compile(root, library))
    _finish(root)


def _kept(folder: Path) -> Iterator[str]:
    """The paths of the files under `folder` that travel."""
    for above, _, files in os.walk(folder):
        for file in files:
            path = Path(above) / file
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not LEFT_OUT.search(name):
                yield name


def _libraries(root: Path, programs: Sequence[Path]) -> dict[Path, Path]:
    """Where the shared libraries of `programs` go → where they are.

    With them go those that nobody here is linked with and wheels may be. All but the loader itself go beside the C
    library, where the loader looks without being told.
    """
    found = _linked(programs)
    c_library = next((path for path in found if path.name.startswith(("libc.so", "ld-musl"))), None)
    if c_library is None:
        raise MachineError(f"ldd does not say what {programs[0]} is linked with")
    folders = dict.fromkeys([c_library.parent, Path("/usr") / c_library.parent.relative_to("/")])
    more = [folder / name for name in (*NAME_SERVICE, *OF_WHEELS) for folder in folders if (folder / name).exists()]
    return {_place(root, path, c_library): path.resolve() for path in (*_linked(more), *more, *found)}


def _linked(programs: Sequence[Path]) -> list[Path]:
    command = ["ldd", *map(str, programs)]
    done = tools.run(command, cwd=Path("/"), env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}, timeout=SECONDS)
    return [Path(path) for path in dict.fromkeys(FOUND.findall(done.stdout))]


def _place(root: Path, library: Path, c_library: Path) -> Path:
    where = library if library.name.startswith("ld-") else c_library.with_name(library.name)
    return root / where.relative_to("/")


def _compile(root: Path, library: Path) -> list[str]:
    """With the names that the files have in a container: its root is read-only, and the source is not looked at."""
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    return ["-m", "compileall", *options, str(library)]


def _run(interpreter: Interpreter, arguments: Sequence[str]) -> str:
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    command = [str(interpreter.path), "-S", "-s", "-W", "ignore", *arguments]
    done = tools.run(command, cwd=Path("/"), env=env, timeout=SECONDS)
    if done.status != 0:
        raise MachineError(f"{interpreter.path} failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(PROGRAM if os.access(source, os.X_OK) else PLAIN)


def _finish(root: Path) -> None:
    """The few files that a system has, and modes that no umask has a say in."""
    for name, text in WRITTEN.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(PLAIN)
    for name in ("tmp", "app", "home/nonroot"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for folder, _, files in os.walk(root):
        Path(folder).chmod(PROGRAM)
        for compiled in (Path(folder) / file for file in files if file.endswith(".pyc")):
            compiled.chmod(PLAIN)
    (root / "tmp").chmod(ANYBODYS)
