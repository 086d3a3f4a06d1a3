"""Whether a string is random, or words, a placeholder, a counter. Pure."""

from __future__ import annotations

import base64
import itertools
import math
import re
from collections import Counter

_MASK = re.compile(r"xxxx|\*\*\*|\.\.\.|[<>{}]|^\$|%\(|0{8}|\byour|placeholder|change[-_]?me|redact", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"example|dummy|sample|insert|replace|(?-i:%[sdr])\b|\\[wdsS]|\[\^|\(\?|://|^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    r"|\.(?:csv|json|txt|py|ya?ml|toml|ini|cfg|pem|crt|key|html?|js|css|md|xml|sql|db|sh|zip|gz|png|svg|log)$",
    re.IGNORECASE,
)
"""Documentation's values, formats, patterns, addresses, UUIDs and names of files."""
_WEAK = frozenset({
    "12345", "123456", "1234567", "12345678", "123456789", "admin", "adminpass", "changeit", "foo", "foobar", "guest",
    "letmein", "mypassword", "mysecret", "none", "null", "pass", "passwd", "password", "password1", "password123",
    "postgres", "pw", "pwd", "qwerty", "root", "secret", "secret123", "test", "test123", "testing", "testpass", "token",
    "true", "user", "username",
})  # fmt: skip
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_WORDS = re.compile(r"[A-Z][a-z]{3,}|[a-z]{4,}|[A-Z]{4,}")
_CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}|[jqxz][^aeiouyhst]|[aeiou]{4}", re.IGNORECASE)
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})


def is_real(secret: str) -> bool:
    """Not the mask or the word that documentation puts in a secret's place. What is empty is not judged."""
    if not secret:
        return True
    return len(secret) >= 4 and not _MASK.search(secret) and secret.lower() not in _WEAK


def is_password(text: str, is_called_so: bool = False) -> bool:
    """Random enough for the value of something that is called a secret; or `is_called_so`, chosen by a person."""
    if (
        len(text) < 8
        or _NO_SECRET.search(text)
        or not is_real(text)
        or _counts(text)
        or not re.search("[A-Za-z]", text)
    ):
        return False
    if _HEX.fullmatch(text) and not is_called_so:
        return len(text) >= 16 and entropy(text) > 2.5
    has_cases = text.upper() != text != text.lower()
    has_signs = re.search(r"[^\w.\-/ ]", text) is not None
    if not re.search(r"\d", text):
        is_chosen = is_called_so and re.search(r"[!@#$%^&*+?~]", text) is not None
        return is_chosen or (len(text) >= 16 and has_cases and _turns(text) > 0.3)
    if is_called_so or (has_signs and has_cases):
        return True
    return share_of_words(text) < 0.55 and (has_cases or has_signs or (len(text) >= 16 and entropy(text) > 3.2))


def is_token(text: str) -> bool:
    """Random enough that no name is needed next to it: a mix of cases and digits without words."""
    if len(text) < 16 or not is_password(text):
        return False
    if _HEX.fullmatch(text):
        return len(text) >= 32
    return entropy(text) > 3.4 and len(re.findall(r"\d", text)) >= 2 and share_of_words(text) < 0.4


def is_key(text: str) -> bool:
    """As `is_token`, and long; no digest in hexadecimal, and no text in base64."""
    if _HEX.fullmatch(text):
        letters = set(text.lower()) & set("abcdef")
        return len(text) >= 40 and len(text) not in _DIGEST_LENGTHS and len(letters) > 3 and entropy(text) > 3.3
    has_cases = text.upper() != text != text.lower()
    return has_cases and is_token(text) and entropy(text) > 4.2 and not _is_text(text)


def is_chosen(text: str) -> bool:
    """A password as rules for passwords have it: both cases, digits and signs, and no expression of a program."""
    has_all = all(re.search(part, text) for part in ("[a-z]", "[A-Z]", r"\w[!#$%*+?@^~][^=]*\w", r"\d"))
    return has_all and len(text) >= 10 and is_password(text, is_called_so=True)


def is_name(text: str) -> bool:
    """Whether it could be that of a variable or an attribute."""
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", text):
        return False
    return share_of_words(text) >= 0.25 or len(re.findall(r"\d", text)) < 3


def _is_text(encoded: str) -> bool:
    try:
        return (
            base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_" if "_" in encoded else None)
            .decode()
            .isprintable()
        )
    except ValueError:
        return False


def entropy(text: str) -> float:
    """Shannon's, in bits for each character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def share_of_words(text: str) -> float:
    """How much of the text is in parts that could be words of a language. No name has digits in three places."""
    if len(text) >= 20 and text.isalnum() and len(re.findall(r"\d+", text)) >= 3:
        return 0
    letters = [match[0] for match in _WORDS.finditer(text)]
    return sum(len(word) for word in letters if _is_word(word)) / len(text)


def _is_word(word: str) -> bool:
    vowels = len(re.findall(r"[aeiouy]", word, re.IGNORECASE))
    return 0.15 < vowels / len(word) < 0.75 and not _CLUSTER.search(word)


def _counts(text: str) -> bool:
    """Whether it mostly counts up, as alphabets and 0123456789 do, or repeats itself."""
    steps = [ord(second) - ord(first) for first, second in itertools.pairwise(text)]
    return sum(step in (0, 1) for step in steps) > len(steps) * 0.5


def _turns(text: str) -> float:
    """How often the case changes from one letter to the next."""
    changes = sum(first.islower() != second.islower() for first, second in itertools.pairwise(text))
    return changes / len(text)
