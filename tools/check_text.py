"""Check what no linter looks at: encoding, images, rights, unsafe loading, paths, wide prose.

    python -m tools.check_text     # every file that git knows or would know

A rule takes a file's path, relative to the tree, and its content, and yields findings. Rules on
bytes see every text file; the others see decoded text. tests/unit/tools shows each of them a file
that it must refuse.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.prose import breakable_width, prose_lines
from tools.tree import ROOT, project_files

BINARY_SUFFIXES = frozenset({".onnx", ".parquet", ".png"})
PROSE_COLUMNS = 120
YAML_SUFFIXES = frozenset({".yaml", ".yml"})
# They run whatever the file says; models are ONNX, which holds no code.
CODE_RUNNING_LOADERS = frozenset({"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"})
MACHINE_PATH = re.compile(
    r"(?<![\w.$}-])(/(?:home|Users|root|work)/[\w.-]+|[A-Z]:\\{1,2}Users\\{1,2}\w+)"
)
INDEX_ADDRESS = re.compile(
    r"(?:index-url|find-links|trusted-host|GOPROXY|npm_config_registry)['\"]?[ =:]+['\"]?https?://",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a line (0: the file as a whole), and what to do about it."""

    line: int
    message: str


Findings = Iterator[Finding]


def check_bytes(_path: Path, content: bytes) -> Findings:
    """UTF-8 without a byte order mark, LF line ends, no NUL, a newline at the end."""
    if content.startswith(b"\xef\xbb\xbf"):
        yield Finding(1, "byte order mark: save as UTF-8 without BOM")
    if b"\0" in content:
        yield Finding(content[: content.index(b"\0")].count(b"\n") + 1, "NUL byte: remove it")
    if b"\r" in content:
        line = content[: content.index(b"\r")].count(b"\n") + 1
        yield Finding(line, "carriage return: use LF line ends")
    if content and not content.endswith(b"\n"):
        yield Finding(content.count(b"\n") + 1, "no newline at the end of the file: add one")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as e:
        line = content[: e.start].count(b"\n") + 1
        yield Finding(line, f"not UTF-8: byte 0x{content[e.start]:02x}; save the file as UTF-8")


def _is_mojibake(window: str) -> bool:
    """Say whether the window is one character's UTF-8 bytes, read as an 8-bit encoding."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return len(window.encode(encoding).decode("utf-8")) == 1
        except UnicodeError:
            continue
    return False


def check_mojibake(_path: Path, text: str) -> Findings:
    """Refuse text that was decoded with a wrong encoding somewhere on its way."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\ufffd" in line:
            yield Finding(number, "replacement character U+FFFD: restore the lost text")
        for run in re.finditer(r"[^\x00-\x7f]{2,}", line):
            chars = run.group()
            windows = (chars[i : i + n] for n in (2, 3, 4) for i in range(len(chars) - n + 1))
            broken = next((window for window in windows if _is_mojibake(window)), None)
            if broken:
                yield Finding(number, f"mojibake {broken.encode('unicode_escape').decode()}")


def check_machine_path(path: Path, text: str) -> Findings:
    """Refuse paths that exist on one machine only; a Dockerfile's are the image's own."""
    if path.name.startswith("Dockerfile"):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if found := MACHINE_PATH.search(line):
            yield Finding(number, f"path of one machine: {found.group()}; take it from a setting")


def check_index_address(_path: Path, text: str) -> Findings:
    """Refuse a written-down package index: it belongs to the environment of who installs."""
    for number, line in enumerate(text.split("\n"), 1):
        if INDEX_ADDRESS.search(line):
            yield Finding(number, "address of a package index: leave it to the environment")


def check_operator_folder(path: Path, _text: str) -> Findings:
    """Refuse a package named `operator`: it would shadow the standard library's module."""
    if path == Path("operator/__init__.py"):
        yield Finding(0, "operator/ must not be a package: delete this file")


def is_floating(image: str) -> bool:
    """Say whether an image reference can mean another image tomorrow."""
    name = image.rsplit("/", 1)[-1]
    if "@sha256:" in name:
        return False
    return ":" not in name or name.endswith((":latest", ":"))


def _line_of(text: str, fragment: str) -> int:
    """Return the first line that holds `fragment`, 0 if there is none."""
    return next((n for n, line in enumerate(text.split("\n"), 1) if fragment in line), 0)


def _mappings(node: Any) -> Iterator[dict[Any, Any]]:
    """Yield every mapping in a YAML document."""
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _mappings(child)


def check_manifest(path: Path, text: str) -> Findings:
    """No floating image and no wildcard right in any YAML; test data may show bad examples."""
    if path.suffix not in YAML_SUFFIXES or path.parts[0] == "tests":
        return
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as e:
        yield Finding(0, f"not valid YAML: {e}")
        return
    for mapping in _mappings(documents):
        image = mapping.get("image")
        if isinstance(image, str) and is_floating(image):
            yield Finding(_line_of(text, image), f"floating image: {image}; add a tag or a digest")
        for rule in mapping.get("rules") or () if "Role" in str(mapping.get("kind")) else ():
            for field in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
                if any("*" in str(value) for value in rule.get(field) or ()):
                    yield Finding(_line_of(text, "*"), f"wildcard in {field}: name each one")


def check_dockerfile(path: Path, text: str) -> Findings:
    """No floating base image, neither in FROM nor as the default of an image argument."""
    if not path.name.startswith("Dockerfile"):
        return
    stages = {"scratch"}
    for number, line in enumerate(text.split("\n"), 1):
        if argument := re.match(r"ARG \w*IMAGE=(\S+)", line):
            image = argument.group(1)
        elif source := re.match(r"FROM (?:--\S+ )*(\S+)(?: AS (\S+))?", line, re.IGNORECASE):
            image = source.group(1)
            stages.add(source.group(2) or "")
        else:
            continue
        if not image.startswith("$") and image not in stages and is_floating(image):
            yield Finding(number, f"floating image: {image}; add a tag or a digest")


def _called(node: ast.Call) -> str:
    """Return the dotted name of what is called, as it is written."""
    return ast.unparse(node.func)


def _unsafe_call(node: ast.Call) -> str | None:
    """Say why a call may run code from the file that it reads."""
    arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    match _called(node):
        case "torch.load" if arguments.get("weights_only") != "True":
            return "torch.load without weights_only=True"
        case "yaml.load" | "yaml.load_all" | "yaml.unsafe_load" | "yaml.full_load":
            return "unsafe YAML: call yaml.safe_load"
        case "np.load" | "numpy.load" if arguments.get("allow_pickle", "False") != "False":
            return "numpy.load with allow_pickle"
        case "pd.read_pickle" | "pandas.read_pickle":
            return "pandas.read_pickle: store parquet"
    return None


def check_loading(path: Path, text: str) -> Findings:
    """Refuse loaders that execute what they read."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(text)
    except SyntaxError as e:
        yield Finding(e.lineno or 0, f"not valid Python: {e.msg}")
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            names = {module or alias.name for alias in node.names}
            for name in sorted(names):
                if name.split(".")[0] in CODE_RUNNING_LOADERS:
                    yield Finding(node.lineno, f"import of {name}: it runs code from its files")
        elif isinstance(node, ast.Call) and (reason := _unsafe_call(node)):
            yield Finding(node.lineno, reason)


def check_prose_width(path: Path, text: str) -> Findings:
    """Refuse prose in Markdown that is wider than 120 characters.

    Tables and code may be wider, and so may a line that would fit without the targets of its links.
    """
    if path.suffix != ".md":
        return
    for number, line in prose_lines(text):
        if breakable_width(line) > PROSE_COLUMNS:
            message = f"{len(line)} columns of prose, at most {PROSE_COLUMNS}: wrap the line"
            yield Finding(number, message)


TEXT_RULES: tuple[Callable[[Path, str], Findings], ...] = (
    check_mojibake,
    check_machine_path,
    check_index_address,
    check_operator_folder,
    check_manifest,
    check_dockerfile,
    check_loading,
    check_prose_width,
)


def check_file(path: Path, content: bytes) -> list[Finding]:
    """Return all findings in one file; `path` is relative to the tree."""
    if path.suffix in BINARY_SUFFIXES:
        return []
    findings = list(check_bytes(path, content))
    if not any(finding.message.startswith("not UTF-8") for finding in findings):
        text = content.decode("utf-8")
        findings += [finding for rule in TEXT_RULES for finding in rule(path, text)]
    return findings


def main() -> int:
    """Print the findings in every file of the tree; return 1 if there are any."""
    total = 0
    files = project_files()
    for path in files:
        for finding in check_file(path, (ROOT / path).read_bytes()):
            total += 1
            print(f"{path}:{finding.line}: {finding.message}")
    print(f"text: {len(files)} files, {total} findings")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
