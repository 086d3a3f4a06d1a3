"""What keys and tokens of vendors look like: each rule has texts one of which stands in every match, and a pattern."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hyfn.pack.secrets import words

SHORTEST = 14
"""Characters of the shortest match of a rule whose match is one word: an address with a password."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One of `texts` stands in every match. What the group "secret" or "later" matched must look real.

    `what` is how a message calls it. A match `is_one_word` if no space stands in it. A pattern is compiled when it is
    first needed: most never are.
    """

    name: str
    what: str
    texts: tuple[str, ...]
    pattern: str
    is_one_word: bool


def _word(name: str, what: str, texts: str, pattern: str) -> Rule:
    return Rule(name, what, tuple(texts.split()), pattern, True)


def _phrase(name: str, what: str, texts: Sequence[str], pattern: str) -> Rule:
    return Rule(name, what, tuple(texts), pattern, False)


# After a header a key's own text, also within a string literal, a comment or YAML.
_BETWEEN = r"""(?:\\[rnt]|\s|[frbu]?["'`]|[,+()#*>\\;|])*"""
_FIRST, _LAST = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"

RULES = (
    _phrase(
        "private-key", "a private key", ["PRIVATE"],
        rf"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----{_BETWEEN}"
        r"(?:Proc-Type|DEK-Info|Version|Comment|[A-Za-z0-9+/=]{16})",
    ),
    _word(
        "private-key", "a private key", "MII MIG MC4 PuTTY-User AGE-SECRET",
        r"(?:MII[CEJ][A-Za-z0-9+/]{2}IBAAK[BC]|MII[A-Z][A-Za-z0-9+/]{2}IBADANBgkqhkiG9w0BAQEF|MIGHAgEAMBMGByqGSM49"
        r"|MC4CAQAwBQYDK2Vw)[A-Za-z0-9+/]{20}|PuTTY-User-Key-File-\d:|AGE-SECRET-KEY-1[0-9A-Z]{20}",
    ),
    _word(
        "aws-access-key", "an AWS access key", "AKIA ASIA ABIA ACCA",
        rf"{_FIRST}(?P<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}){_LAST}",
    ),
    _phrase(
        "aws-secret-key", "an AWS secret key", ["aws", "AWS", "Aws"],
        r"(?i:aws)\w{0,20}?(?i:secret|sk|access)\w{0,20}[\"']?\]?\s{0,4}(?:=>|[:=,])?\s{0,4}"
        r"(?:[A-Za-z ]{1,12}=\s?)?[fbru]?[\"']?(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    ),
    _word(
        "google-api-key", "a Google API key", "AIza",
        rf"{_FIRST}(?P<secret>AIza[0-9A-Za-z_-]{{35}})(?![0-9A-Za-z_-])",
    ),
    _phrase(
        "google-service-account", "a Google service account's key", ["private_key_id"],
        r"private_key_id\\?[\"']?\s*[:=]\s*\\?[\"']?[0-9a-f]{40}",
    ),
    _word(
        "google-oauth", "a Google OAuth secret", "GOCSPX- ya29. 1//0",
        rf"{_FIRST}(?P<secret>GOCSPX-[A-Za-z0-9_-]{{24,}}|ya29\.[0-9A-Za-z_-]{{20,}}|1//0[0-9A-Za-z_-]{{30,}})",
    ),
    _word(
        "azure-storage-key", "an Azure account's key", "AccountKey= AccessKey=",
        r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{43,86}={1,2})",
    ),
    _word(
        "azure-sas", "an Azure shared access signature", "sig=",
        r"(?:sv|se|sp|sr|ss|srt|skn)=[^\s\"'<>{}]{1,400}?[&;?]sig=(?P<secret>[A-Za-z0-9%/+]{40,})"
        r"|[?&;]sig=(?P<later>[A-Za-z0-9%/+]{40,}=?)&s[vepkr]=",
    ),
    _word(
        "azure-client-secret", "an Azure client secret", "Q~",
        r"(?<![A-Za-z0-9_~.-])(?P<secret>[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})(?![A-Za-z0-9_~.-])",
    ),
    _phrase(
        "kubeconfig", "a Kubernetes client's key", ["client-key-data"],
        r"client-key-data\\?[\"']?\s*:\s*\\?[\"']?[A-Za-z0-9+/=]{40}",
    ),
    _phrase(
        "docker-auth", "a registry's credentials", ['auth"', 'auth\\"', "auth'", 'identitytoken"', 'registrytoken"'],
        r"\\?[\"'](?:auth|identitytoken|registrytoken)\\?[\"']\s*:\s*\\?[\"'](?P<secret>[A-Za-z0-9+/=_.-]{12,})\\?[\"']",
    ),
    _word(
        "github-token", "a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        rf"{_FIRST}(?P<secret>gh[pousr]_[A-Za-z0-9]{{36,}}|github_pat_[A-Za-z0-9]{{20,}}_[A-Za-z0-9]{{40,}})",
    ),
    _word(
        "gitlab-token", "a GitLab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- GR1348941",
        r"(?<![A-Za-z0-9])(?P<secret>gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_=.-]{20,}"
        r"|GR1348941[\w-]{20})",
    ),
    _word(
        "slack-token", "a Slack token", "xox xapp-",
        rf"{_FIRST}(?P<secret>xox[abeoprs](?:\.xox[bp])?-(?:\d|[0-9a-f-]*\d)[A-Za-z0-9-]{{10,}}"
        r"|xapp-\d-[A-Z0-9]+-\d+-\w{20,})",
    ),
    _word(
        "webhook", "a webhook's secret address", "hooks.slack webhook",
        r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9+/]{30,})"
        r"|discord(?:app)?\.com/api/webhooks/\d{17,20}/(?P<later>[A-Za-z0-9_-]{60,})"
        r"|webhook\.office\.com/webhookb2/[0-9a-f-]{36}@",
    ),
    _word(
        "stripe-key", "a Stripe key", "k_live_ k_test_ whsec_",
        rf"{_FIRST}(?P<secret>[sr]k_(?:live|test)_[A-Za-z0-9]{{16,}}|whsec_[A-Za-z0-9+/]{{24,}})",
    ),
    _word("twilio-key", "a Twilio key", "SK", rf"{_FIRST}(?P<secret>SK[0-9a-f]{{32}}){_LAST}"),
    _word(
        "sendgrid-key", "a SendGrid key", "SG.",
        rf"{_FIRST}(?P<secret>SG\.[A-Za-z0-9_-]{{20,24}}\.[A-Za-z0-9_-]{{39,50}})",
    ),
    _word(
        "npm-token", "an npm token", "npm_ _authToken=",
        rf"{_FIRST}(?P<secret>npm_[A-Za-z0-9]{{36}}){_LAST}|_authToken=[\"']?(?P<later>[^\s\"'$]{{16,}})",
    ),
    _word("pypi-token", "a PyPI token", "pypi-Ag", r"(?P<secret>pypi-Ag[A-Za-z0-9_-]{50,})"),
    _word(
        "jwt", "a JSON web token", "eyJ",
        r"(?<![A-Za-z0-9_-])(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ[A-Za-z0-9_-]{8,}"
        r"|[A-Za-z0-9_-]{0,512}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]{16,})",
    ),
    _word(
        "openai-key", "an OpenAI key", "sk-",
        r"(?<![A-Za-z0-9_-])(?P<secret>sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{40,64})"
        rf"{_LAST}",
    ),
    _word("anthropic-key", "an Anthropic key", "sk-ant-", r"(?P<secret>sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{40,})"),
    _word(
        "huggingface-token", "a Hugging Face token", "hf_ api_org_",
        rf"{_FIRST}(?P<secret>api_org_[A-Za-z]{{34,}}|hf_[A-Za-z0-9]{{34,40}}){_LAST}",
    ),
    _word(
        "telegram-token", "a Telegram bot's token", ":AA",
        r"(?<![0-9A-Za-z])(?P<secret>\d{8,10}:AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])",
    ),
    _word(
        "alibaba-key", "an Alibaba or Tencent key", "LTAI AKID",
        rf"{_FIRST}(?P<secret>LTAI[A-Za-z0-9]{{12,24}}|AKID[A-Za-z0-9]{{32}}){_LAST}",
    ),
    _phrase(
        "oracle-key", "an Oracle Cloud key", ["ocid1.cred", "pass_phrase"],
        r"(?m)^[#; \t]*pass_phrase\s*=\s*(?P<secret>\S{6,})"
        r"|ocid1\.credential\.[a-z0-9.]+[\"']?[\s,:=]{1,3}[\"']?(?P<later>[A-Za-z0-9+/]{43}=)",
    ),
    _word(
        "vendor-token", "a vendor's token",
        "dop_v1_ doo_v1_ dapi shpat_ shpca_ shppa_ shpss_ hvs. lin_api_ ntn_ PMAK- glsa_ NRAK- sntrys_ sq0csp- gsk_ "
        "r8_ dckr_pat_ key- -us .atlasv1. xai- dp.pt. rubygems_ pul- sbp_ fo1_",
        rf"{_FIRST}(?P<secret>do[op]_v1_[0-9a-f]{{64}}|dapi[0-9a-f]{{32}}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}"
        r"|hvs\.[A-Za-z0-9_-]{24,}|lin_api_[A-Za-z0-9]{40}|ntn_[A-Za-z0-9]{40,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}"
        r"|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|NRAK-[A-Z0-9]{27}|sntrys_[A-Za-z0-9+/=_]{40,}|sq0csp-[\w-]{43}"
        r"|gsk_[A-Za-z0-9]{50,}|r8_[A-Za-z0-9]{37}|dckr_pat_[\w-]{27}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}"
        r"|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}|xai-[A-Za-z0-9]{70,}|dp\.pt\.[A-Za-z0-9]{40,}|rubygems_[0-9a-f]{48}"
        rf"|pul-[0-9a-f]{{40}}|sbp_[0-9a-f]{{40}}|fo1_[\w-]{{43}}){_LAST}",
    ),
    _word(
        "url-password", "a password in an address", "://",
        r"://[^\s:/@\"'<>]*:(?P<secret>[^\s/@\"'<>]+)@[\w\[.-]",
    ),
    _phrase(
        "connection-string", "a password in a connection string", ["assword=", "ASSWORD=", "wd=", "WD=", "assword ="],
        r";\s?(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)\s?=\s?(?P<secret>[^;\s\"']{6,200})"
        r"|(?:[Pp]assword|PASSWORD|[Pp]wd|PWD)\s?=\s?(?P<later>[^;\s\"']{6,200});\s?\w[\w ]*=",
    ),
    _phrase(
        "authorization", "an authorization header", ["earer ", "EARER ", "asic ", "BASIC "],
        r"\b[Bb](?:earer|asic|EARER|ASIC) (?P<secret>(?=[A-Za-z+/_.~-]*[\d=])[A-Za-z0-9+/=_.~-]{16,})",
    ),
    _phrase(
        "authorization", "credentials for a machine", ["machine "],
        r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+\"?(?P<secret>[^\s\"\\]{6,})",
    ),
    _phrase(
        "hyfn-key", "a key of hyfn", ['"kid"', 'kid\\"', '"iss"', 'iss\\"', "HYFN_"],
        r"\\?[\"']key\\?[\"']\s*:\s*\\?[\"'](?P<secret>[0-9a-f]{64})\\?[\"']"
        r"|HYFN_(?:SECRET|\w*KEY|\w*TOKEN)\W{1,6}(?P<later>[A-Za-z0-9+/=_-]{20,})",
    ),
)  # fmt: skip


def found(text: str) -> Iterable[tuple[int, Rule]]:
    """Where each match of a rule begins."""
    # Most words of code are too short for a token: the rules are tried on the few others first.
    long = " ".join(word for word in text.split() if len(word) >= SHORTEST)
    for rule in RULES:
        if _may_match(rule, long if rule.is_one_word else text):
            for match in _compiled(rule.pattern).finditer(text):
                if words.is_real(_secret(match)):
                    yield match.start(), rule


def _may_match(rule: Rule, text: str) -> bool:
    return any(part in text for part in rule.texts) and _compiled(rule.pattern).search(text) is not None


_compiled = functools.cache(re.compile)


def _secret(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return groups.get("secret") or groups.get("later") or ""
