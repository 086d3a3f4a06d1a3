"""Files that by their name hold keys or credentials. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

KEY_SUFFIXES = frozenset({".env", ".jks", ".key", ".keystore", ".p12", ".pfx"})
KEY_NAMES = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)\b")
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY")
"""With these, what data files are left out of artifacts unasked (hyfn.pack.beside)."""

ENV_FILE, KEY_FILE, CREDENTIALS_FILE = "env-file", "key-file", "credentials-file"

_ENV = re.compile(r"\.env(rc|\.(?!example$|sample$|template$|dist$|defaults?$).+)?$|.+\.env$")
_MORE_KEYS = frozenset({".ppk", ".kdbx", ".jceks", ".bks"})
_CREDENTIALS = frozenset({
    ".boto", ".dockercfg", ".git-credentials", ".htpasswd", ".my.cnf", ".netrc", "_netrc", ".npmrc", ".pgpass",
    ".pypirc", ".s3cfg", ".terraformrc", "application_default_credentials.json", "kubeconfig", "terraform.tfstate",
})  # fmt: skip
_CREDENTIALS_PATHS = (
    "/.aws/credentials",
    "/.docker/config.json",
    "/.kube/config",
    "/.oci/config",
    "/gcloud/credentials.db",
)
_PUBLIC = re.compile(rb"-----BEGIN (TRUSTED |X509 |RSA |DH |EC )?(CERTIFICATE|PUBLIC KEY|CRL|PARAMETERS)")


def rule_of(path: str, content: bytes) -> str | None:
    """The rule that a file of this name falls under, or None. An empty file holds nothing."""
    name = PurePosixPath(path).name
    suffix = PurePosixPath(path).suffix.lower()
    if not content.strip():
        return None
    if _ENV.match(name):
        return ENV_FILE
    if suffix in KEY_SUFFIXES | _MORE_KEYS or KEY_NAMES.match(name):
        return KEY_FILE
    if suffix in (".pem", ".der") and not _is_public(content):
        return KEY_FILE
    if name in _CREDENTIALS or suffix == ".kubeconfig" or f"/{path}".endswith(_CREDENTIALS_PATHS):
        return CREDENTIALS_FILE
    return None


def _is_public(content: bytes) -> bool:
    return bool(_PUBLIC.search(content)) and not PRIVATE_KEY.search(content)
