"""Whether a string is random, or words, a placeholder, a counter. Pure."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

_PLACEHOLDER = re.compile(
    r"example|placeholder|change[-_]?me|your|dummy|redact|sample|insert|replace|xxxx|\*\*\*|\.\.\.|[<>{}]|^\$|%\(|%s|\\[wdsS]|\[\^|\(\?|://",
    re.IGNORECASE,
)
_WEAK = frozenset({
    "12345", "123456", "1234567", "12345678", "123456789", "admin", "adminpass", "changeit", "foo", "foobar", "guest",
    "letmein", "mypassword", "mysecret", "none", "null", "pass", "passwd", "password", "password1", "password123",
    "postgres", "pw", "pwd", "qwerty", "root", "secret", "secret123", "test", "test123", "testing", "testpass", "token",
    "true", "user", "username",
})  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_WORDS = re.compile(r"[A-Z][a-z]{3,}|[a-z]{4,}|[A-Z]{4,}")
_CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxz]{4}|[jqxz][^aeiouyhst]|[aeiou]{4}", re.IGNORECASE)
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})


def is_real(secret: str) -> bool:
    """Not what documentation puts in a secret's place. What is empty is not judged."""
    if not secret:
        return True
    if _PLACEHOLDER.search(secret) or secret.lower() in _WEAK:
        return False
    return len(set(secret)) > min(4, len(secret) // 2) and not _counts(secret)


def is_password(text: str) -> bool:
    """Random enough for the value of something that is called a secret."""
    if len(text) < 8 or not is_real(text) or _UUID.fullmatch(text) or not re.search(r"[A-Za-z]", text):
        return False
    if _HEX.fullmatch(text):
        return len(text) >= 16 and entropy(text) > 2.5
    has_cases = text.upper() != text != text.lower()
    has_signs = re.search(r"[^\w.\-/ ]", text) is not None
    if not re.search(r"\d", text):
        return len(text) >= 16 and has_cases and _turns(text) > 0.3
    if share_of_words(text) > 0.55:
        return False
    return has_cases or has_signs or (len(text) >= 16 and entropy(text) > 3.2)


def is_token(text: str) -> bool:
    """Random enough that no name is needed next to it: a mix of cases and digits without words."""
    if len(text) < 16 or not is_password(text):
        return False
    if _HEX.fullmatch(text):
        return len(text) >= 32
    return entropy(text) > 3.4 and len(re.findall(r"\d", text)) >= 2 and share_of_words(text) < 0.4


def is_key(text: str) -> bool:
    """As `is_token`, and long, and no digest in hexadecimal."""
    if _HEX.fullmatch(text):
        return len(text) >= 40 and len(text) not in _DIGEST_LENGTHS and entropy(text) > 3.3 and is_real(text)
    return is_token(text) and entropy(text) > 4.2 and text.upper() != text != text.lower()


def entropy(text: str) -> float:
    """Shannon's, in bits for each character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def share_of_words(text: str) -> float:
    """How much of the text is in parts that could be words of a language."""
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
