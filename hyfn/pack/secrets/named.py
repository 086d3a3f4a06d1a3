"""Random strings: values of what is called a password, token or key, and long ones in code by themselves. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from hyfn.pack.secrets import words

_STEMS = ("passw", "passphrase", "pass_phrase", "_pass", "pwd", "secret", "token", "credential", "key", "bearer")
_NAME = re.compile(
    r"passw(?:or[dt]|d)?|pass_?phrase|(?:^|[_.-])pass$|pwd|secret|token|credential|bearer"
    r"|(?:api|access|private|account|auth|encrypt\w*|sign\w*|master|session|storage|hmac|subscription|functions|service"
    r"|licen[cs]e|app|client|shared|connection|crypto?|ssh|deploy|webhook|primary|secondary|admin|root)[_.-]?key$",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"passw(?:or[dt]|d)?|pwd|_pass$|pass_?phrase", re.IGNORECASE)
"""What people choose themselves."""
_HARMLESS = re.compile(
    r"(?:type|types|name|names|id|ids|url|uri|endpoint|path|file|filename|dir|field|header|env|var|prefix|suffix|regex|pattern"
    r"|re|label|help|hint|hash|digest|sha\d*|checksum|size|len|length|count|ttl|expir\w*|algorithm|alg|issuer|audience|scope"
    r"|class|format|version|arn|ref|location|placeholder|description|title|message|error|policy|provider|manager|store)$"
    r"|public|token(?:iz|is)|tokens$|csrf\w*name|keyword",
    re.IGNORECASE,
)
_START = re.compile(r"[\w.-]*\Z")
_VALUE = re.compile(
    r"""
    (?P<rest>[\w.-]{0,40}) (?:\\?["'`]|\]|\))*
    (?: \s{0,40} (?: (?P<comma>,) | :\s?[\w.\[\]|\ ]{1,40}?\s?= | ===? | != | := | => | [=:] | (?P<tag>>) )
      | \s*\n\s*value\\?["']?: )
    [\s(\\]{0,40} (?:[\w.]{1,40}\(\s*)?
    (?: [fbruFBRU]{0,2} (?P<quote>\\?["'`]{1,3}) (?P<quoted>[^"'`\s\\]{6,512}) (?:\\?["'`])
      | (?P<bare>[^\s"'`<>,;(){}\[\]\\&]{8,160}) (?P<after>[(\[{.]?) )
    """,
    re.VERBOSE,
)
_LONG = re.compile(r"""["']([A-Za-z0-9+/=_-]{32,256})["']""")
_DIGEST = re.compile(
    r"(?i)sha-?\d|md5|blake|integrity|digest|checksum|hash|fingerprint|etag|signature|public|revision|commit|base64,|data:|cert"
)
_PICTURES = ("iVBOR", "R0lGOD", "/9j/", "PHN2", "UklGR", "AAAB", "T1RUT", "d09GR", "JVBER", "UEsDB", "H4sI")
LONG_VALUE = 100
MINIFIED = 1000
"""Characters of a line from which it was written by a program."""


def found(text: str, is_settings: bool) -> Iterable[int]:
    """Where the value of something called a secret stands. `is_settings` marks forms whose values need no quotes."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text
    for stem in _STEMS:
        at = lowered.find(stem)
        while at >= 0:
            match = _VALUE.match(text, at + len(stem))
            if match and _is_secret(text, at, match, is_settings):
                yield match.start("quoted" if match["quoted"] else "bare")
            at = lowered.find(stem, _behind(match) or at + len(stem))


def _behind(match: re.Match[str] | None) -> int:
    """The end of a long value, which need not be read again for each name within; else 0."""
    is_long = match is not None and len(match["quoted"] or match["bare"]) >= LONG_VALUE
    return match.end() if match is not None and is_long else 0


def _is_secret(text: str, at: int, match: re.Match[str], is_settings: bool) -> bool:
    start = _START.search(text, max(0, at - 40), at)
    name = text[start.start() if start else at : match.end("rest")]
    if not _NAME.search(name) or _HARMLESS.search(name):
        return False
    is_password = _PASSWORD.search(name) is not None
    value = match["quoted"] or match["bare"]
    is_certain = words.is_token(value) or (is_password and words.is_chosen(value))
    if match["comma"]:
        return bool(match["quoted"]) and is_certain
    if match["quoted"] or is_settings:
        return not match["after"] and words.is_password(value, is_password)
    return not match["after"] and is_certain and not words.is_name(value)


def long(text: str, line: Callable[[int], int]) -> Iterator[int]:
    """Where long random strings stand that no name explains. Not the lines of a picture or of a program's making.

    `line` says in which line a place is.
    """
    starts = {match.start(1): line(match.start(1)) for match in _LONG.finditer(text) if _is_random(text, match)}
    count = Counter(starts.values())
    return (at for at, here in starts.items() if count[here] < 3 and not (count[here - 1] or count[here + 1]))


def _is_random(text: str, match: re.Match[str]) -> bool:
    if not words.is_key(match[1]) or match[1].startswith(_PICTURES):
        return False
    start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
    is_minified = (end if end >= 0 else len(text)) - start > MINIFIED
    return not is_minified and not _DIGEST.search(text, start, match.start())
