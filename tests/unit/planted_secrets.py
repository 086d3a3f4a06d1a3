"""Secrets put into files in every way that projects have them. Made up by dice that always fall the same.

No whole secret stands in this file: each is put together when it is asked for.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LETTERS = string.ascii_letters + string.digits
BASE64 = LETTERS + "+/"
URL = LETTERS + "-_"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"


@dataclass(frozen=True)
class Planted:
    """A file that holds the secret in a line; one of `rules` finds it."""

    kind: str
    way: str
    path: str
    content: bytes
    line: int
    secret: str
    rules: frozenset[str]


def of(dice: random.Random, letters: str, length: int) -> str:
    return "".join(dice.choices(letters, k=length))


Make = Callable[[random.Random], str]


@dataclass(frozen=True)
class Kind:
    """`name` is what the value is called where it has a name; `rules` those that may find it."""

    name: str
    rules: str
    make: Make


def _joined(*parts: str | tuple[str, int]) -> Make:
    return lambda dice: "".join(part if isinstance(part, str) else of(dice, *part) for part in parts)


def _jwt(dice: random.Random) -> str:
    head, body = ({"alg": "HS256", "typ": "JWT"}, {"sub": of(dice, LOWER, 12), "iat": dice.randrange(10**9)})
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, body)]
    return ".".join([*parts, of(dice, URL, 43)])


def _password(dice: random.Random) -> str:
    return (
        of(dice, string.ascii_lowercase, 4) + of(dice, UPPER, 5) + dice.choice("!#%+*?") + of(dice, LETTERS, 4) + "7aX"
    )


KINDS = {
    "AWS access key": Kind("thing", "aws-access-key", _joined("AK", "IA", (UPPER, 16))),
    "AWS temporary key": Kind("thing", "aws-access-key", _joined("AS", "IA", (UPPER, 16))),
    "AWS secret key": Kind("aws_secret_access_key", "aws-secret-key secret-value", _joined((BASE64, 40))),
    "Google API key": Kind("thing", "google-api-key", _joined("AI", "za", (URL, 35))),
    "Google client secret": Kind("thing", "google-oauth", _joined("GOC", "SPX-", (URL, 28))),
    "Google refresh token": Kind("thing", "google-oauth", _joined("1/", "/0", (URL, 60))),
    "Azure connection string": Kind(
        "thing", "azure-storage-key",
        _joined("DefaultEndpointsProtocol=https;AccountName=", (LOWER, 9), ";Account", "Key=", (BASE64, 86), "=="),
    ),
    "Azure account key": Kind("storage_account_key", "secret-value", _joined((BASE64, 86), "==")),
    "Azure bus": Kind(
        "thing", "azure-storage-key",
        _joined("Endpoint=sb://bus/;SharedAccessKeyName=root;SharedAccess", "Key=", (BASE64, 43), "="),
    ),
    "Azure SAS": Kind(
        "thing", "azure-sas",
        _joined("https://store.blob/x?sv=2024-01-01&se=2030-01-01&sr=b&sp=r&s", "ig=", (LETTERS, 43), "%3D"),
    ),
    "Azure client secret": Kind("thing", "azure-client-secret", _joined((LETTERS, 3), "8", "Q~", (LETTERS, 34))),
    "GitHub token": Kind("thing", "github-token", _joined("gh", "p_", (LETTERS, 36))),
    "GitHub app token": Kind("thing", "github-token", _joined("gh", "s_", (LETTERS, 36))),
    "GitHub fine-grained token": Kind(
        "thing", "github-token", _joined("github", "_pat_", (LETTERS, 22), "_", (LETTERS, 59))
    ),
    "GitLab token": Kind("thing", "gitlab-token", _joined("gl", "pat-", (URL, 20))),
    "Slack token": Kind("thing", "slack-token", _joined("xo", "xb-", ("0123456789", 12), "-", (LETTERS, 24))),
    "Slack webhook": Kind(
        "thing", "webhook",
        _joined("https://hooks.", "slack.com/services/T", (UPPER, 10), "/B", (UPPER, 10), "/", (LETTERS, 24)),
    ),
    "Stripe key": Kind("thing", "stripe-key", _joined("sk_", "live_", (LETTERS, 24))),
    "Twilio key": Kind("thing", "twilio-key", _joined("S", "K", (HEX, 32))),
    "SendGrid key": Kind("thing", "sendgrid-key", _joined("S", "G.", (URL, 22), ".", (URL, 43))),
    "npm token": Kind("thing", "npm-token", _joined("np", "m_", (LETTERS, 36))),
    "PyPI token": Kind("thing", "pypi-token", _joined("py", "pi-Ag", (URL, 120))),
    "JWT": Kind("thing", "jwt", _jwt),
    "OpenAI key": Kind("thing", "openai-key", _joined("s", "k-proj-", (LETTERS, 48))),
    "Anthropic key": Kind("thing", "anthropic-key", _joined("s", "k-ant-api03-", (URL, 80), "AA")),
    "Hugging Face token": Kind("thing", "huggingface-token", _joined("h", "f_", (LETTERS, 34))),
    "Telegram token": Kind("thing", "telegram-token", _joined("1", ("0123456789", 9), ":", "AA", (LETTERS, 33))),
    "database address": Kind(
        "thing", "url-password", _joined("postgresql", "://shop:", (LETTERS, 14), "@db.internal:5432/shop")
    ),
    "address with a password": Kind(
        "thing", "url-password", _joined("https", "://ci:", (LETTERS, 16), "@repo.internal/x")
    ),
    "connection string": Kind(
        "thing", "connection-string",
        _joined("Server=db;Database=shop;User=sa;", "Password=", (LETTERS, 14), ";Encrypt=yes"),
    ),
    "Alibaba key": Kind("thing", "alibaba-key", _joined("LT", "AI", (LETTERS, 20))),
    "Oracle key": Kind("customer_secret_key", "secret-value", _joined((BASE64, 43), "=")),
    "DigitalOcean token": Kind("thing", "vendor-token", _joined("dop", "_v1_", (HEX, 64))),
    "stage secret of hyfn": Kind("stage_secret", "secret-value", _joined((HEX, 64))),
    "password": Kind("password", "secret-value", _password),
    "database password": Kind("DB_PASSWORD", "secret-value", _password),
    "API key": Kind("api_key", "secret-value", _joined((LOWER, 32))),
    "token": Kind("auth_token", "secret-value", _joined((HEX, 32))),
    "client secret": Kind("clientSecret", "secret-value", _joined((LETTERS, 28))),
}  # fmt: skip

WAYS: dict[str, tuple[str, str]] = {
    "assigned": ("app.py", "import os\n\n{name} = '{value}'\n"),
    "in an f-string": ("web.py", 'def f(x):\n    return f"{{x}}?a=1&{name}={value}"\n'),
    "in a dict": ("app.py", 'SETTINGS = {{\n    "a": 1,\n    "{name}": "{value}",\n}}\n'),
    "a default": ("app.py", 'import os\nX = os.environ.get("{name}", "{value}")\n'),
    "an argument": ("app.py", 'client = connect(\n    host="h",\n    {name}="{value}",\n)\n'),
    "an annotated field": ("app.py", 'class A:\n    {name}: str = "{value}"\n'),
    "bytes": ("app.py", "x = 1\n{name} = b'{value}'\n"),
    "a variable of the environment": ("app.py", 'import os\n\nos.environ["{name}"] = "{value}"\n'),
    "JSON": ("settings.json", '{{\n  "a": 1,\n  "{name}": "{value}"\n}}\n'),
    "YAML": ("deep/er/settings.yaml", "a: 1\nb:\n  {name}: {value}\n"),
    "TOML": ("settings.toml", '[a]\n{name} = "{value}"\n'),
    "INI": ("settings.ini", "[a]\nb = c\n{name} = {value}\n"),
    "a text": ("notes.txt", "Remember:\n{name}={value}\n"),
    "a docstring": ("app.py", '"""The app.\n\nTry {name}={value} first.\n"""\n'),
    "a comment": ("app.py", "x = 1\n# {name}: {value}\n"),
    "JSON in one long line": ("data/all.json", '{{"a": [{filler}1], "{name}": "{value}", "b": [{filler}1]}}'),
    "a deep folder": ("a/b/c/d/e/f.properties", "x=y\n{name}={value}\n"),
}  # fmt: skip
ENCODINGS = {
    "": "utf-8",
    "with CRLF": "crlf",
    "as UTF-16": "utf-16",
    "with a BOM": "utf-8-sig",
    "as bare UTF-16": "utf-16-le",
}
KEYS = ("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA ", "", "PGP ")
KEY_WAYS: dict[str, tuple[str, str]] = {
    "a file": ("data/store.txt", "a\n{lines}\n"),
    "a module": ("app.py", 'x = 1\nKEY = """{lines}"""\n'),
    "an escaped string": ("app.py", 'x = 1\nKEY = "{escaped}"\n'),
    "pieces": ("app.py", "x = (\n    {pieces}\n)\n"),
    "JSON": ("a.json", '{{\n"pem": "{escaped}"\n}}'),
    "YAML": ("a.yaml", "pem: |\n  {indented}\n"),
    "a docstring": ("app.py", '"""An app.\n    {indented}\n"""\n'),
    "a comment": ("app.py", "x = 1\n{commented}\n"),
    "INI": ("a.ini", "[a]\npem = {escaped}\n"),
    "a long line": ("a.json", '{{"a": [{filler}1], "pem": "{escaped}"}}'),
}  # fmt: skip


def everything() -> list[Planted]:
    """Every kind in twelve ways or more, always the same."""
    dice = random.Random(3)
    found = [*_values(dice), *_keys(dice), *_documents(dice)]
    assert len({(one.path, one.content) for one in found}) == len(found)
    return found


def _values(dice: random.Random) -> Iterator[Planted]:
    filler = "1234, " * 5000
    for kind, how in KINDS.items():
        encodings = list(ENCODINGS)
        for number, (way, (path, text)) in enumerate(WAYS.items()):
            secret = how.make(dice)
            whole = text.format(name=how.name, value=secret, filler=filler)
            encoding = encodings[number % len(encodings)]
            yield _planted(kind, f"{way} {encoding}".strip(), path, whole, secret, how.rules)


def _planted(kind: str, way: str, path: str, text: str, secret: str, rules: str) -> Planted:
    line = text[: text.index(secret)].count("\n") + 1
    form = next((ENCODINGS[name] for name in ENCODINGS if name and way.endswith(name)), "utf-8")
    content = text.replace("\n", "\r\n").encode() if form == "crlf" else text.encode(form)
    return Planted(kind, way, path, content, line, secret, frozenset(rules.split()))


def _keys(dice: random.Random) -> Iterator[Planted]:
    for number, kind in enumerate(KEYS):
        for turn, (way, (path, text)) in enumerate(KEY_WAYS.items()):
            lines = _key(dice, kind)
            whole = text.format(
                lines="\n".join(lines),
                escaped="\\n".join(lines),
                indented="\n  ".join(lines),
                commented="\n".join(f"# {line}" for line in lines),
                pieces="\n    ".join(f'"{line}\\n"' for line in lines),
                filler="1, " * 9000,
            )
            encoding = list(ENCODINGS)[(number + turn) % len(ENCODINGS)]
            planted = _planted(f"{kind}private key", f"{way} {encoding}".strip(), path, whole, lines[0], "private-key")
            yield planted


def _key(dice: random.Random, kind: str) -> list[str]:
    dashes, block = "-" * 5, " BLOCK" if kind == "PGP " else ""
    body = [of(dice, BASE64, 64) for _ in range(5)]
    head = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00", ""] if kind == "DSA " else []
    return [
        f"{dashes}BEGIN {kind}PRIVATE KEY{block}{dashes}",
        *head,
        *body,
        f"{dashes}END {kind}PRIVATE KEY{block}{dashes}",
    ]


def _documents(dice: random.Random) -> Iterator[Planted]:
    for number in range(10):
        folder = "a/" * number
        secret = of(dice, BASE64, 300)
        kube = f"kind: Config\nusers:\n- name: a\n  user:\n    client-key-data: {secret}\n"
        yield _planted("kubeconfig", f"{number}", f"{folder}cluster.yaml", kube, secret, "kubeconfig")
        secret = base64.b64encode(f"robot:{of(dice, LETTERS, 20)}".encode()).decode()
        auths = json.dumps({"auths": {"registry": {"auth": secret}}}, indent=number or None)
        yield _planted("Docker's registry", f"{number}", f"{folder}docker.json", auths, secret, "docker-auth")
        secret = of(dice, HEX, 40)
        account = json.dumps({"type": "service_account", "private_key" + "_id": secret}, indent=number or None)
        yield _planted(
            "service account", f"{number}", f"{folder}google.json", account, secret, "google-service-account"
        )
        secret = of(dice, HEX, 64)
        wiring = json.dumps(
            {"calls": {"app:f": {"routes": [{"kid": of(dice, HEX, 16), "key": secret}]}}}, indent=number or None
        )
        yield _planted("wiring of hyfn", f"{number}", f"{folder}wiring.json", wiring, secret, "hyfn-key secret-value")
        secret = of(dice, string.ascii_lowercase, 9)
        oci = f"[DEFAULT]\nuser={number}\npass_phrase = {secret}\n"
        yield _planted("Oracle's settings", f"{number}", f"{folder}oci.txt", oci, secret, "oracle-key")
        secret = _password(dice)
        netrc = f"# {number}\nmachine repo.internal login ci password {secret}\n"
        yield _planted("netrc", f"{number}", f"{folder}net.txt", netrc, secret, "authorization secret-value")
        secret = of(dice, LETTERS + "-._~", 39) + "4"
        header = f'import x\nx.get(f"{{y}}", headers={{"Authorization": "Bearer {secret}"}})\n'
        yield _planted("Bearer", f"{number}", f"{folder}web.py", header, secret, "authorization")
        secret = of(dice, BASE64, 44 + number) + "7aZ0"
        blob = f"import y\n\nBLOB = '{secret}'\n"
        yield _planted("long random string", f"{number}", f"{folder}blob.py", blob, secret, "high-entropy")
        for name in FILES[number::10]:
            yield Planted(f"a file {name}", "", f"{folder}{name}", b"a=b\n", 1, "", frozenset(FILE_RULES))


FILE_RULES = ("env-file", "key-file", "credentials-file")
FILES = (
    ".env", ".env.production", "prod.env", ".envrc", ".npmrc", ".netrc", ".pypirc", ".pgpass", ".git-credentials",
    ".htpasswd", "id_rsa", "id_ed25519", "id_ecdsa", "server.key", "store.jks", "app.keystore", "cert.p12", "cert.pfx",
    "key.pem", "kubeconfig", "prod.kubeconfig", ".aws/credentials", ".docker/config.json", ".kube/config", "key.ppk",
    "passwords.kdbx", "terraform.tfstate", "application_default_credentials.json", ".oci/config", ".dockercfg",
)  # fmt: skip
