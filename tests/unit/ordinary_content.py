"""Content that looks a little like secrets and holds none."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
import zlib

CODE = """
import os
password = os.environ["PASSWORD"]
token = make_token_for(request, 32)
TOKEN_URL = "https://login.internal/oauth2/v2.0/token"
api_key: str = ""
secret_name = "prod/db2/Password9"
headers = {"X-Api-Key-V2": key, "Authorization": f"Bearer {token}"}
PASSWORD_FIELD = "password1Field"
def login(user: str, password: str = "password", token: Token2Type = None) -> Token2Type: ...
dsn = f"postgresql://{user}:{password}@{host}:5432/db"
DOC = "postgresql://user:password@host/db"
KEYS = ["primary_key", "foreign_key2", "OAuth2PasswordBearer"]
secret = "your-secret-key-1234"
access_token = "<ACCESS_TOKEN_123>"
password = "********"
passwd = "$(cat /run/secrets/db1)"
U = "https://host.internal/a/b?version=2&sort=name%20asc&page=10#section-20240101T000000Z"
if line.startswith("-----BEGIN RSA PRIVATE KEY-----"):
    raise ValueError("a key")
"""
COMPOSE = """
services:
  db:
    environment:
      PASSWORD: ${DB_PASSWORD}
      TOKEN_FILE: /run/secrets/t1
"""
CHART = """
password: "{{ .Values.password9 }}"
secretKeyRef:
  name: db-credentials-v2
  key: Password1Key
"""


def everything() -> dict[str, bytes]:
    """Path → content, always the same."""
    texts = {**_digests(), **_embedded(), "auth.py": CODE, "compose.yaml": COMPOSE, "chart.yaml": CHART, **_words()}
    noise = random.Random(5).randbytes(60_000)
    binary = {"noise.bin": noise, "noise.npz": zlib.compress(noise) + b"\0PK"}
    return {**{path: text.encode() for path, text in texts.items()}, **binary}


def _digests() -> dict[str, str]:
    digest = hashlib.sha256(b"x").hexdigest()
    integrity = base64.b64encode(hashlib.sha512(b"x").digest()).decode()
    number = uuid.UUID(int=random.Random(6).getrandbits(128))
    return {
        "lock.json": f'{{"token": 1, "integrity": "sha512-{integrity}", "sha256": "{digest}", "key": "{digest[:40]}"}}',
        "hyfn.lock": f'[[package]]\nhash = "sha256:{digest}"\nsize = 1234567\n',
        "requirements.txt": f"a==1 --hash=sha256:{digest}\n",
        "ids.py": f'ID = "{number}"\nSHA = "{digest}"\nREVISION = "{digest[:40]}"\n',
        "vectors.py": f"CASES = [\n    ('{digest}', '{digest[:32]}'),\n]\n",
    }


def _embedded() -> dict[str, str]:
    noise = random.Random(7).randbytes(900)
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + noise[:150]).decode()
    lines = [f"    '{base64.b64encode(noise[at : at + 45]).decode()}'\n" for at in range(0, 900, 45)]
    return {
        "style.css": f'a{{background: url("data:image/png;base64,{picture}")}}',
        "picture.py": f'PICTURE = "{picture[:200]}"\n',
        "embedded.py": f"FONT = (\n{''.join(lines)})\n",
        "min.js": "var a=" + "function(t){return t.secretKey||e}," * 900 + "1;",
    }


def _words() -> dict[str, str]:
    dashes = "-" * 5
    return {
        "alphabet.py": 'LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"\n',
        "long.txt": "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft " * 20,
        "translations.json": '{"password": "Mot de passe", "secret_key": "Clé secrète n°2", "token": "Jeton2"}',
        "ca.pem": f"{dashes}BEGIN CERTIFICATE{dashes}\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n",
        ".env.example": "PASSWORD=\n",
    }
