"""What the replaced system had wrong in its repository: libraries, manifests, checks, text."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import yaml
from packaging.requirements import Requirement

from bot_runtime.contract.spec import Algorithm, ModelSpec
from tests.unit.replaced_system.fault import Fault, assert_held_off, each
from tools.check_text import Finding, check_bytes, check_file
from tools.tree import ROOT

Texts = dict[str, str]


def texts(pattern: str) -> Texts:
    """Return the project's files by path."""
    found = {str(path.relative_to(ROOT)): path for path in sorted(ROOT.glob(pattern))}
    return {name: path.read_text(encoding="utf-8") for name, path in found.items()}


def patched(files: Texts, name: str, pattern: str, replacement: str) -> Texts:
    """Return the files with one place of one of them changed."""
    text, count = re.subn(pattern, replacement, files[name], count=1, flags=re.MULTILINE)
    assert count == 1, f"{name} has nothing like {pattern!r}: the mutant is no mutant"
    return files | {name: text}


# Libraries that did not fit together, so that the training of the TFT ended with an error.

TRAIN_LOCK, ALL_LOCK = "requirements/train.txt", "requirements/dev.txt"
LOCKS = texts("requirements/*.txt")
COMPROMISED = {(n, v) for n in ("lightning", "pytorch-lightning") for v in ("2.6.2", "2.6.3")}


def check_one_set_of_libraries(locks: Texts) -> None:
    pins = {
        name: set(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;]+)", text, re.MULTILINE))
        for name, text in locks.items()
    }
    everything = pins[ALL_LOCK]
    for name, found in pins.items():
        assert found, f"{name} pins nothing"
        assert found <= everything, f"{name} is not of one set: {sorted(found - everything)}"
        assert not found & COMPROMISED, f"{name} has a compromised release"


PYPROJECT = "pyproject.toml"
PROJECT = texts(PYPROJECT)


def check_compromised_releases_are_excluded(project: Texts) -> None:
    extras = tomllib.loads(project[PYPROJECT])["project"]["optional-dependencies"]
    asked = [Requirement(text) for text in extras["train"]]
    (lightning,) = [r for r in asked if r.name == "lightning"]
    for version in ("2.6.2", "2.6.3"):
        assert not lightning.specifier.contains(version), f"lightning {version} may be installed"


# test_forecasters.py trains, exports and serves every algorithm of the contract.

TFT = "bot_runtime/learning/models/temporal_fusion_transformer.py"
MODELS = texts("bot_runtime/learning/models/*.py")
STEPS = ("window_of", "fit", "save", "load", "raw", "export")


def check_every_algorithm_can_be_trained_and_served(models: Texts) -> None:
    assert set(ModelSpec().candidates) == set(get_args(Algorithm)), "not every one is a candidate"
    for algorithm in get_args(Algorithm):
        own = [
            text
            for text in models.values()
            if re.search(rf"^class {algorithm}\b", text, re.MULTILINE)
        ]
        assert len(own) == 1, f"{algorithm} is in {len(own)} modules"
        missing = [step for step in STEPS if f"    def {step}(" not in own[0]]
        assert not missing, f"{algorithm} cannot {missing}"


@each(
    Fault(
        "mismatched libraries",
        check_one_set_of_libraries,
        LOCKS,
        patched(LOCKS, TRAIN_LOCK, r"^numpy==\S+", "numpy==1.26.4"),
        "is not of one set",
    ),
    Fault(
        "a compromised release is installed",
        check_one_set_of_libraries,
        LOCKS,
        patched(LOCKS, ALL_LOCK, r"^lightning==\S+", "lightning==2.6.2"),
        "has a compromised release",
    ),
    Fault(
        "a compromised release would be installed by the next lock",
        check_compromised_releases_are_excluded,
        PROJECT,
        patched(PROJECT, PYPROJECT, r"(\"lightning.*),!=2\.6\.2", r"\1"),
        "lightning 2.6.2 may be installed",
    ),
    Fault(
        "training of the TFT is broken",
        check_every_algorithm_can_be_trained_and_served,
        MODELS,
        patched(MODELS, TFT, "    def export\\(", "    def to_onnx("),
        "TemporalFusionTransformer cannot ['export']",
    ),
)
def test_libraries(fault: Fault[Any]) -> None:
    assert_held_off(fault)


# Manifests with placeholder secrets, wide rights, floating images and one cluster's StorageClass.

YAML_FILES = texts("manifests/**/*.yaml") | texts("examples/**/*.yaml")
ROLE, DEPLOYMENT = "manifests/base/role.yaml", "manifests/base/deployment.yaml"
BOT = "examples/mybot.yaml"
SECRET = "kind: Secret\nstringData: {apiKey: replace-me}\n"


def documents(files: Texts) -> list[tuple[str, dict[str, Any]]]:
    """Return every YAML document with its file."""
    return [
        (name, document)
        for name, text in files.items()
        for document in yaml.safe_load_all(text)
        if isinstance(document, dict)  # a list is a patch of an overlay
    ]


def keys(node: Any) -> set[str]:
    """Return every key at any depth."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = set(node) if isinstance(node, dict) else set()
    return own.union(*(keys(child) for child in children))


def check_no_secret_has_data(files: Texts) -> None:
    for name, document in documents(files):
        full = document.get("kind") == "Secret" and {"data", "stringData"} & set(document)
        assert not full, f"{name} applies a secret's values"


def check_rights(files: Texts) -> None:
    roles = [d for _, d in documents(files) if d.get("kind") in ("Role", "ClusterRole")]
    rules = [rule for role in roles for rule in role["rules"]]
    assert any("secrets" in rule.get("resources", ()) for rule in rules), (
        "nothing may read a bot's secret"
    )
    for rule in rules:
        wide = [v for part in rule.values() for v in part if "*" in v]
        assert not wide, f"wildcard in {rule}"
        if "secrets" in rule.get("resources", ()):
            assert rule["verbs"] == ["get"], f"secrets may be {rule['verbs']}"


def check_images_are_fixed(files: Texts) -> None:
    assert "image" in keys(yaml.safe_load(files[DEPLOYMENT])), "no image is named"
    for name, text in files.items():
        found = [f.message for f in check_file(Path(name), text.encode())]
        assert not found, f"{name}: {found}"


def check_no_storage_class(files: Texts) -> None:
    for name, document in documents(files):
        assert "storageClassName" not in keys(document), f"{name} names a StorageClass"


SECRETS_RULE = r"(resources: \[secrets\]\n +verbs: \[)get\]"


@each(
    Fault(
        "placeholder secrets in manifests",
        check_no_secret_has_data,
        YAML_FILES,
        YAML_FILES | {"examples/secret.yaml": SECRET},
        "applies a secret's values",
    ),
    Fault(
        "secrets could be listed",
        check_rights,
        YAML_FILES,
        patched(YAML_FILES, ROLE, SECRETS_RULE, r"\1get, list]"),
        "secrets may be ['get', 'list']",
    ),
    Fault(
        "a wildcard included secrets",
        check_rights,
        YAML_FILES,
        patched(YAML_FILES, ROLE, r"resources: \[pods\]", 'resources: ["*"]'),
        "wildcard",
    ),
    Fault(
        "an image was latest",
        check_images_are_fixed,
        YAML_FILES,
        patched(YAML_FILES, DEPLOYMENT, r"image: (\S+):\S+$", r"image: \1:latest"),
        "floating image",
    ),
    Fault(
        "an image had no tag",
        check_images_are_fixed,
        YAML_FILES,
        patched(YAML_FILES, DEPLOYMENT, r"image: (\S+):\S+$", r"image: \1"),
        "floating image",
    ),
    Fault(
        "a manifest named one cluster's StorageClass",
        check_no_storage_class,
        YAML_FILES,
        patched(YAML_FILES, BOT, r"^spec:$", "spec:\n  storage: {storageClassName: standard}"),
        "names a StorageClass",
    ),
)
def test_manifests(fault: Fault[Any]) -> None:
    assert_held_off(fault)


# ruff and mypy were red, and nobody had to look.

GATES = texts("Makefile") | texts(".ci/run") | texts(PYPROJECT)
CHECKS = ("ruff format --check", "ruff check", "mypy $(SOURCES)", "lint-imports", "check_text")
PACKAGES = ("bot_runtime", "bot_exchange", "operator/bot_operator", "tests", "tools")


def recipe(makefile: str, target: str) -> list[str]:
    """Return the commands of a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found, f"there is no target {target}"
    return found[1].replace("\\\n", "").splitlines()


def check_gates(files: Texts) -> None:
    commands = recipe(files["Makefile"], "check")
    for check in CHECKS:
        (command,) = [c for c in commands if check in c] or [""]
        assert command, f"make check runs no {check}"
        assert not re.search(r"^\t@?-|\|\|", command), f"{check} may fail: {command.strip()}"
    sources = re.search(r"^SOURCES := (.*)$", files["Makefile"], re.MULTILINE)
    unseen = [p for p in PACKAGES if sources is None or p not in sources[1]]
    assert not unseen, f"mypy does not see {unseen}"
    assert "tests.tiers check " in " ".join(recipe(files["Makefile"], "test")), "test: no check"
    assert files[".ci/run"].splitlines()[-1] == "exec make test", "CI does not run make test"
    mypy = tomllib.loads(files[PYPROJECT])["tool"]["mypy"]
    assert mypy["strict"] is True, "mypy is not strict"
    assert not any("ignore_errors" in part for part in (mypy, *mypy["overrides"])), "not checked"


@each(
    *(
        Fault(name, check_gates, GATES, patched(GATES, file, pattern, replacement), words)
        for name, file, pattern, replacement, words in (
            ("ruff is not run", "Makefile", r"^.*ruff check --no.*\n", "", "runs no ruff check"),
            ("mypy is not run", "Makefile", r"^.*mypy \$.*\n", "", "runs no mypy"),
            ("mypy may fail", "Makefile", r"^\t(.*mypy \$.*)", r"\t-\1", "may fail"),
            ("mypy sees a part", "Makefile", r"wildcard bot_runtime", "wildcard", "does not see"),
            (
                "a test run has no check",
                "Makefile",
                r"tests\.tiers check ",
                "tests.tiers ",
                "test:",
            ),
            ("CI runs a part", ".ci/run", r"^exec make test$", "exec make test-unit", "CI does"),
            ("mypy is lax", PYPROJECT, r"^strict = true$", "strict = false", "is not strict"),
        )
    )
)
def test_gates(fault: Fault[Any]) -> None:
    assert_held_off(fault)


Check = Callable[[Path, bytes], list[Finding]]
BROKEN = ("caf\u00c3\u00a9", "it\u00e2\u20ac\u2122s", "\u00e2\u0153\u2026", "lost\ufffd")


def check_mojibake_is_found(check: Check) -> None:
    for text in BROKEN:
        assert check(Path("docs/a.md"), f"{text}\n".encode()), f"{text!a} passes"
    assert not check(Path("docs/a.md"), "café – 100 €\n".encode()), "plain text is refused"


@each(
    Fault(
        "mojibake in texts",
        check_mojibake_is_found,
        check_file,
        lambda path, content: list(check_bytes(path, content)),
        "passes",
    )
)
def test_texts(fault: Fault[Any]) -> None:
    assert_held_off(fault)
