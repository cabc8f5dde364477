r"""What may not be told: secrets are taken out of every text before it leaves a process.

A value is hidden for one of four reasons:

- The process knows it (`secrets`): as it is, escaped as JSON or Python writes it, percent-encoded.
- Its shape: a private key in PEM, a login in an address (`scheme://user:password@host`), a Telegram
  token, a JSON Web Token, an AWS or Google key, `Bearer` or `Basic` with its credentials, and any
  run of 32 characters or more with capitals, small letters and digits in it (40 where hyphens are
  in it, 22 where it is padded as base64, with or without digits). A run of words, numbers and
  hexadecimal digits is a path or a name, not a key: fewer than 16 of its characters, and less than
  a third, are anything else.
- Its name: what follows `apiKey`, `secret`, `token`, `password`, `signature` and their like after
  `:` or `=`, quoted or not, up to its end; in a list, all of the list.
- Its header: `Authorization` and `Cookie`, whatever the scheme.

A named value is hidden whatever it is, for no rule tells prose from a password. Only these stay:

- `PROSE`, our own words, where they are the whole text between a bare name with a colon and a
  space (`apiSecret: missing`) and a semicolon, a bracket, a quote or the end of the line. After
  `=`, or after a quoted name, they are values and hidden.
- `"$API_KEY"`, `"$API_SECRET"` and `"$TELEGRAM_TOKEN"`, the shell variables of our own commands.
- `null`, `true` and `false` after a quoted name, and what follows the fields of ours that hold the
  name of a secret: `credentialsSecret`, `postgresSecret`, `imagePullSecrets`, and
  `automountServiceAccountToken`.

Not recognised: a key of hexadecimal digits alone without its name (a digest looks the same), a
login without `scheme://`, an unencoded password of an address that begins with digits and a slash
(a port and a path look the same), and the later words of an unquoted passphrase.

Every expression runs in linear time: repetitions are possessive or bounded, and what is scanned is
consumed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus

from bot_runtime.contract.secrets import PROSE

SCRUBBED: Final = "[hidden]"

_ESCAPES: Final = r"\\{0,15}"  # before a quote in JSON that is in JSON that is in JSON
_PERCENT: Final = r"%(?:25){0,3}"

# Of `-----END RSA PRIVATE KEY-----` what stands between the word and the hyphens.
_PRIVATE: Final = r"[A-Z0-9 +%]{0,60}?PRIVATE(?:[ +]|%(?:25)*+20)KEY[A-Z0-9 +%]{0,20}"
_PRIVATE_KEY: Final = re.compile(
    rf"""-----BEGIN{_PRIVATE}-----
    (?: [^-]*+ (?:-(?!----)[^-]*+)*+ -----END[A-Z0-9 +%]{{0,80}}-----
      | (?:[^-'"]|-(?!----))*+ (?:-----(?!BEGIN)[A-Z0-9 +%]{{0,80}}-{{0,5}})?+  # cut off
    )""",
    re.VERBOSE,
)
# Where the beginning was cut off: the last line may be too short to look like a key.
_PRIVATE_KEY_END: Final = re.compile(
    rf"""(?<![A-Za-z0-9+/=]) ((?<=\\)[nr])?+ [A-Za-z0-9+/=]{{1,76}}+
    ((?:\s|\\{{1,15}}[nr])++ -----END{_PRIVATE}-----)""",
    re.VERBOSE,
)

_ADDRESS: Final = re.compile(rf""":(?:{_ESCAPES}/){{2}}(?:[^\s'"<>]|['"](?=[A-Za-z0-9]))++""")
_SLASHES: Final = re.compile(rf":(?:{_ESCAPES}/){{2}}")
_AUTHORITY: Final = re.compile(rf"(?:[^/?#\\]|\\(?!{_ESCAPES}/))*+")
_HOST_AND_PORT: Final = re.compile(r"(?:(?:\[[0-9A-Fa-f:.%]*+\]|[^:@]++)(?::[0-9]*+)?)?")
_ENCODED_LOGIN: Final = re.compile(
    r"""(%3A%2F%2F) (?:[^\s%&'"<>]|%(?!40|2F))++ (?=%40)""", re.VERBOSE | re.IGNORECASE
)

_TOKEN: Final = re.compile(
    rf"""
      (?<![0-9]) [0-9]{{6,12}} (?: : | {_PERCENT}3[Aa] )  # Telegram; a digest is none
        (?![0-9a-f]{{30,}}+(?![\w-])) [\w-]{{30,}}+
    | (?<![\w-]) eyJ[\w-]{{8,}}+ \.[\w-]{{8,}}+ (?:\.[\w-]*+)?  # JSON Web Token
    | (?<=[Bb]earer[ ]) (?=[A-Za-z]?+[a-z]*+[A-Z0-9_+/=]) [\w.~+/-]{{8,}}+ ={{0,2}}
    | (?<=[Bb]asic[ ]) (?=[A-Za-z]?+[a-z]*+[A-Z0-9+/=]) [A-Za-z0-9+/]{{8,}}+ ={{0,2}}
    """,
    re.VERBOSE,
)

_CLOUD_KEY: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35})[\w-]*+"
)

_SEPARATOR: Final = rf"""
    (?:{_ESCAPES}['"])?+ \s*+
    (?:,\s*+ {_ESCAPES}['"]? value {_ESCAPES}['"]? \s*+)?+  # "name": "API_KEY", "value": "..."
    (?: [:=]{{1,3}}+ >? | {_PERCENT}3[AD] | \\{{1,15}}u003[AD] ) \s*+
"""
_PAIR: Final = rf"""{_ESCAPES}['"] \s*+ , \s*+ (?=[BRU]{{0,2}}{_ESCAPES}['"])"""
# One character, or more, of a value without quotes. A quote in it is not the text's own where a
# letter or digit follows; a comma or an ampersand not where another name follows.
_BARE: Final = rf"""(?:
      [^\s'",&\\]++
    | \\(?! {_ESCAPES}['"](?![A-Z0-9]) )
    | ['"](?=[A-Z0-9])
    | ,(?! [\s'"\\] | [\w.-]{{1,64}}[=:] | \Z )
    | &(?! (?:amp;)?[\w.%\[\]-]{{1,64}}= | \s | \Z )
)"""
_QUOTED: Final = rf"""
      (?P<open>[BRU]{{0,2}}(?P<quote>['"])) (?: \\. | (?!(?P=quote))[^\\] )++
    | (?P<opened>[BRU]{{0,2}}(?P<escape>\\{{1,15}})(?P<mark>['"]))
        (?: (?!(?<!\\)(?P=escape)?(?P=mark)) . )++
    | (?!\[hidden\]) [\[(]
        (?: "(?:\\.|[^"\\])*+"? | '(?:\\.|[^'\\])*+'? | [^\])"'] )*+ [\])] {_BARE}*+
"""
_HEADER: Final = re.compile(
    rf"""
    (?P<head> (?:authorization|cookie)s? (?:{_SEPARATOR} | {_PAIR}) )
    (?: {_QUOTED}
      | (?: (?:bearer|basic)\s++ | [A-Z][\w-]{{0,40}}[ \t]++ )? {_BARE}++
        (?: (?<=;)[ \t]++ {_BARE}++  # the next cookie, the next parameter
          | {_ESCAPES}['"]?,[ \t]*+[\w-]{{1,40}}=
            (?: {_ESCAPES}"[^"\\]*+{_ESCAPES}" | {_BARE}++ )?+
        )*+
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_NAMED: Final = re.compile(
    rf"""
    (?P<head>
      (?: (?: api[-_ ]?key | (?:api|access)[-_]sign | access[-_]?key(?:[-_]?id)?
            | (?:listen|private|signing|encryption)[-_]?key
            | (?<!credentials)(?<!postgres)(?<!imagepull) secret(?:[-_]?key)?
            | (?<!automountserviceaccount) token
            | signature | pass(?:word|wd|phrase) | amz-credential
          ) s?[-_]?[0-9]{{0,3}}
        | (?<=[?&]) (?:key|sign?|pass|auth|code) (?==)
      ) {_SEPARATOR}
      | (?<=['"]) (?:[A-Z]{{1,12}}-){{1,3}} (?:apikey|key|sign|token|passphrase|secret) {_PAIR}
    )
    (?! (?<=[A-Z]:[ ]) (?:{"|".join(map(re.escape, PROSE))}) (?: [;)'"\\\n] | \Z ) )
    (?! (?<==) {_ESCAPES}"\$(?:API_(?:KEY|SECRET)|TELEGRAM_TOKEN){_ESCAPES}" )
    (?! (?: (?<=['"]:) | (?<=['"]:[ ]) ) (?:null|none|true|false) (?![\w-]) )
    (?! \{{\s{{0,8}} (?: {_ESCAPES}['"] | \}} ) )  # names inside of it speak for themselves
    (?: {_QUOTED}
      | (?: (?:bearer|basic)\s++ )? {_BARE}++ (?: (?<=[:=])[ \t]++ {_BARE}++ )*+
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

_RUN: Final = re.compile(
    r"""(?<![A-Za-z0-9+/_-])
    (?P<escaped> (?<=\\)[bfnrt] | (?<=\\)u[0-9A-Fa-f]{4} | (?<=%)(?:25)*+[0-9A-Fa-f]{2} )?+
    (?P<run> (?:[A-Za-z0-9+/_-]|%2[BbFf]){22,}+ )
    (?P<padding> (?:=|%3[Dd]){1,2}+ (?! [\w=$%+/\[-] | ['"][\w$\[] ) )?+""",
    re.VERBOSE,
)
_BETWEEN: Final = re.compile(r"[+/_-]|%2[BbFf]")
_MIXED: Final = re.compile(r"(?=[^a-z]*+[a-z])(?=[^A-Z]*+[A-Z])")
_READABLE: Final = re.compile(
    r"""(?:[A-Z]{0,6}[a-z]{2,}+)++[0-9]{0,4}+  # Trend, GradientBoosting, sha256
    | [A-Z]++[0-9]{0,4} | [a-z][0-9]{0,4} | [0-9]++[a-z]{0,2} | [0-9a-f]++""",
    re.VERBOSE,
)
_OPAQUE_MIN: Final = 16
"""Characters of a key that are part of no word; in a run of less than 48, a third of them."""


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return `text` without the given secrets and without what looks like one.

    >>> scrub("GET /account?signature=5f3a&x=1")
    'GET /account?signature=[hidden]&x=1'
    """
    known = _known(secrets)
    if known is not None:
        text = known.sub(SCRUBBED, text)
    text = _PRIVATE_KEY.sub(SCRUBBED, text)
    text = _PRIVATE_KEY_END.sub(rf"\1{SCRUBBED}\2", text)
    text = _TOKEN.sub(SCRUBBED, text)
    text = _RUN.sub(_hide_keys, text)
    text = _CLOUD_KEY.sub(SCRUBBED, text)
    text = _ENCODED_LOGIN.sub(rf"\1{SCRUBBED}", text)
    text = _ADDRESS.sub(_hide_logins, text)
    for named in (_HEADER, _NAMED):
        text = named.sub(rf"\g<head>\g<open>\g<opened>{SCRUBBED}", text)
    return text


def scrub_fields(value: Any, secrets: tuple[str, ...] = ()) -> Any:
    """Return values as JSON has them without secrets; what JSON does not know becomes a text.

    Fields are scrubbed before they are rendered: in a line of JSON the end of one text and the name
    of the next field look like a name and its value.

    >>> scrub_fields({"error": "401: wrong token:", "token": "k9Zq1", "attempt": 2})
    {'error': '401: wrong token:', 'token': '[hidden]', 'attempt': 2}
    """
    if isinstance(value, Mapping):
        return {
            str(name): SCRUBBED
            if isinstance(field, str) and field and _names_a_secret(str(name))
            else scrub_fields(field, secrets)
            for name, field in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrub_fields(item, secrets) for item in value]
    return value if isinstance(value, int | float | None) else scrub(str(value), secrets)


@lru_cache(maxsize=512)
def _names_a_secret(field: str) -> bool:
    return scrub(f"{field}=x") != f"{field}=x"


@lru_cache(maxsize=8)
def _known(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds each of these secrets, the longest first; None where there is none."""
    spelled = {spelling for secret in secrets for spelling in _spellings(secret) if spelling}
    if not spelled:
        return None
    # The mark comes first: a secret such as `hidden` would be found in it.
    parts = (SCRUBBED, *sorted(spelled, key=len, reverse=True))
    return re.compile("|".join(map(re.escape, parts)), re.IGNORECASE)


def _spellings(secret: str) -> Iterator[str]:
    """Give a secret as it may stand in a text: joined to one line, escaped, percent-encoded."""
    for text in (secret, secret.strip(), " ".join(secret.split())):
        escaped = json.dumps(text)[1:-1]
        yield from (text, escaped, json.dumps(escaped)[1:-1])
        yield from (json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1])
        yield repr(text.encode(errors="surrogatepass"))[2:-1]
        for encode in (quote, quote_plus):
            yield encode(text, errors="surrogatepass")
            yield encode(encode(text, errors="surrogatepass"))
        yield quote(text, safe="", errors="surrogatepass")


def _hide_logins(found: re.Match[str]) -> str:
    """Return a run of text that begins with `://` without the logins of the addresses in it."""
    run = found[0]
    last = run.rfind("@")
    kept, done = [], 0
    for slashes in _SLASHES.finditer(run):
        start = slashes.end()
        if start > last:
            break
        end = _end_of_login(run, start, last)
        if start >= done and end > start:
            kept += [run[done:start], SCRUBBED]
            done = end
    return "".join(kept) + run[done:]


def _end_of_login(run: str, start: int, last: int) -> int:
    """Return where the login of the address whose host begins at `start` ends, 0 without one.

    A password may hold `@` and `/`: where there is one, the login reaches to the last `@`.
    """
    found = _AUTHORITY.match(run, start)
    authority = found[0] if found else ""
    user, at, _ = authority.partition("@")
    if at and ":" not in user:
        return start + authority.rindex("@")
    return 0 if not at and _HOST_AND_PORT.fullmatch(authority) else last


def _hide_keys(found: re.Match[str]) -> str:
    """Return a run of characters that keys are made of, hidden as far as it looks like one."""
    run, padding = found["run"], found["padding"] or ""
    kept = found["escaped"] or ""
    if _is_key(run, padding):
        return kept + SCRUBBED
    parts = [SCRUBBED if _is_key(part) else part for part in run.split("-")]
    return kept + "-".join(parts) + padding


def _is_key(run: str, padding: str = "") -> bool:
    """Tell whether a run is a key and no path, name or digest."""
    shortest = 22 if padding else 40 if "-" in run else 32
    if len(run) < shortest or not _MIXED.match(run):
        return False
    if not padding and not any(c.isdigit() for c in run):
        return False  # words of CamelCase
    needed = min(_OPAQUE_MIN, len(run) // 3)
    if padding:
        needed = 1 if len(padding) in {1, 3} else 0  # nothing but base64 ends in two
    parts = _BETWEEN.split(run)
    return sum(len(part) for part in parts if not _READABLE.fullmatch(part)) >= needed
