from pathlib import Path

import pytest

from tools.check_text import Finding, check_file, is_floating


def findings(path: str, content: bytes | str) -> list[Finding]:
    return check_file(Path(path), content.encode() if isinstance(content, str) else content)


# What must not stand in this file is written as escapes or put together.
HOME = "/ho" + "me/alice/bot.yaml"
WIDE = "word " * 24 + "x"  # 121 characters
FITS = "word " * 23 + "wörd."  # 120 characters, 121 bytes
TARGET = "docs/" + "a" * 120 + ".md"
BAD = [
    pytest.param("a.md", b"\xef\xbb\xbftext\n", 1, "byte order mark", id="bom"),
    pytest.param("a.md", b"one\ntwo\0\n", 2, "NUL byte", id="nul"),
    pytest.param("a.md", b"one\r\ntwo\n", 1, "carriage return", id="crlf"),
    pytest.param("a.md", b"one", 1, "no newline at the end", id="no-final-newline"),
    pytest.param("a.md", b"one\ncaf\xe9\n", 2, "not UTF-8: byte 0xe9", id="latin-1"),
    pytest.param("a.md", "caf\u00c3\u00a9\n", 1, "mojibake", id="e-acute"),
    pytest.param("a.md", "it\u00e2\u20ac\u2122s\n", 1, "mojibake", id="apostrophe"),
    pytest.param("a.md", "\u00ef\u00bf\u00bd\n", 1, "mojibake", id="broken-replacement"),
    pytest.param("a.md", "\u201c\u00c2\u00a0x\n", 1, "mojibake", id="inside-a-longer-run"),
    pytest.param("a.md", "lost\ufffd\n", 1, "U+FFFD", id="replacement"),
    pytest.param("a.md", f"see\n{HOME}\n", 2, "path of one machine", id="home"),
    pytest.param("a.md", "C:\\Users" + "\\bob\n", 1, "path of one machine", id="windows"),
    pytest.param("r.txt", "--index-url " + "https://x.org/\n", 1, "package index", id="index"),
    pytest.param("a.sh", "export GOPROXY=" + "https://x.org\n", 1, "package index", id="goproxy"),
    pytest.param("operator/__init__.py", "", 0, "must not be a package", id="operator-package"),
    pytest.param("m/a.yaml", "image: bot\n", 1, "floating image: bot", id="no-tag"),
    pytest.param("m/a.yaml", "c: [{image: r:5000/a/bot}]\n", 1, "floating image", id="port-no-tag"),
    pytest.param("m/a.yaml", "image: 'bot:latest'\n", 1, "floating image", id="latest"),
    pytest.param("m/a.yaml", "a: [\n", 0, "not valid YAML", id="broken-yaml"),
    pytest.param(
        "m/r.yaml",
        'kind: ClusterRole\nrules: [{apiGroups: [""], resources: [pods], verbs: ["*"]}]\n',
        2,
        "wildcard in verbs",
        id="wildcard-verb",
    ),
    pytest.param(
        "m/r.yaml",
        'kind: Role\nrules:\n- {apiGroups: [""], resources: ["pods/*"], verbs: [get]}\n',
        3,
        "wildcard in resources",
        id="wildcard-subresource",
    ),
    pytest.param("Dockerfile.x", "FROM python\n", 1, "floating image: python", id="from"),
    pytest.param(
        "Dockerfile.x", "ARG BASE_IMAGE=python:latest\n", 1, "floating image", id="image-argument"
    ),
    pytest.param("a.py", "x = (\n", 1, "not valid Python", id="broken-python"),
    pytest.param("a.py", "import pickle\n", 1, "import of pickle", id="pickle"),
    pytest.param("a.py", "from joblib import load\n", 1, "import of joblib", id="joblib"),
    pytest.param("a.py", "x\ntorch.load(p)\n", 2, "torch.load", id="torch"),
    pytest.param("a.py", "torch.load(p, weights_only=False)\n", 1, "torch.load", id="torch-false"),
    pytest.param("a.py", "yaml.load(s, Loader=L)\n", 1, "unsafe YAML", id="yaml"),
    pytest.param("a.py", "np.load(p, allow_pickle=True)\n", 1, "numpy.load", id="numpy"),
    pytest.param("a.py", "pd.read_pickle(p)\n", 1, "pandas.read_pickle", id="pandas"),
    pytest.param("a.md", f"one\n{WIDE}\n", 2, "121 columns of prose", id="wide-prose"),
    pytest.param("a.md", f"# {WIDE}\n", 1, "123 columns of prose", id="wide-heading"),
    pytest.param("a.md", f"one\n    {WIDE}\n", 2, "125 columns", id="wide-continuation"),
    pytest.param("a.md", f"- one\n\n    {WIDE}\n", 3, "125 columns", id="wide-below-an-item"),
    pytest.param("a.md", f"- a\n  - b\n\n  {WIDE}\n", 4, "123 columns", id="wide-after-items"),
    pytest.param("a.md", f"```\n~~~\n````\n{WIDE}\n", 4, "121 columns", id="wide-after-a-fence"),
    pytest.param("a.md", f"    ```\n\n{WIDE}\n", 3, "121 columns", id="wide-after-code"),
    pytest.param("a.md", f"{WIDE} [a]({TARGET})\n", 1, "columns", id="wide-without-its-link"),
]


@pytest.mark.parametrize(("path", "content", "line", "message"), BAD)
def test_bad_file_is_refused_at_its_line(
    path: str, content: bytes | str, line: int, message: str
) -> None:
    found = findings(path, content)
    assert [f.line for f in found] == [line]
    assert message in found[0].message


GOOD = [
    pytest.param("a.md", "", id="empty"),
    pytest.param("a.md", "Übermaß, naïve — “quoted” × 2 … µs ≤ 3 °C, 100 €\n", id="typography"),
    pytest.param("a.md", "mounted at /workspace/models, see docs/home/x\n", id="other-paths"),
    pytest.param("a.sh", 'pip install --extra-index-url "$TORCH_INDEX"\n', id="index-by-argument"),
    pytest.param("m/a.yaml", "image: bot:0.1.0\n---\nimage: {type: string}\n", id="tag"),
    pytest.param("m/a.yaml", f"image: r:5000/bot@sha256:{'0' * 64}\n", id="digest"),
    pytest.param("tests/bad.yaml", "image: bot:latest\n", id="test-data"),
    pytest.param(
        "m/r.yaml",
        'kind: Role\nrules: [{apiGroups: [""], resources: [pods], verbs: [get]}]\n',
        id="named-rights",
    ),
    pytest.param(
        "Dockerfile.x",
        "ARG BASE_IMAGE=python:3.11-slim\nFROM ${BASE_IMAGE} AS base\nFROM base AS infer\n",
        id="stages",
    ),
    pytest.param("a.py", "torch.load(p, weights_only=True)\nyaml.safe_load(s)\n", id="safe"),
    pytest.param("Dockerfile.x", "RUN ls /ro" + "ot/.cache\n", id="path-of-the-image"),
    pytest.param("a.md", f"{FITS}\n\n- {FITS[2:]}\n", id="prose-of-120-characters"),
    pytest.param("a.txt", f"{WIDE}\n", id="wide-text-that-is-no-markdown"),
    pytest.param("a.md", f"| {WIDE} |\n|---|\n- a\n\n  | {WIDE} |\n", id="wide-tables"),
    pytest.param("a.md", f"```sh\n{WIDE}\n\n{WIDE}\n```\n", id="wide-fence"),
    pytest.param("a.md", f"- a\n\n  ~~~\n  {WIDE}\n  ~~~\n", id="wide-fence-in-a-list"),
    pytest.param("a.md", f"# a\n    {WIDE}\n\n    {WIDE}\n\t{WIDE}\n", id="wide-indented-code"),
    pytest.param("a.md", f"- a\n  - b\n\n        {WIDE}\n", id="wide-code-in-a-list"),
    pytest.param("a.md", f"See [a (b)]({TARGET}), {FITS[40:]}\n", id="wide-by-a-link"),
    pytest.param("a.md", f'![a picture]({TARGET} "a title")\n', id="wide-by-a-picture"),
    pytest.param("a.md", f"[a]: {TARGET}\n<https://x.org/{TARGET}>\n", id="wide-by-an-address"),
    pytest.param("a.png", b"\x89PNG\r\n\0", id="binary"),
]


@pytest.mark.parametrize(("path", "content"), GOOD)
def test_good_file_passes(path: str, content: bytes | str) -> None:
    assert findings(path, content) == []


@pytest.mark.parametrize("image", ["", "a", "a:", "a:latest", "host:5000/a"])
def test_floating_images_are_told_from_fixed_ones(image: str) -> None:
    assert is_floating(image)
    assert not is_floating(f"{image.removesuffix(':').removesuffix(':latest')}:1")
