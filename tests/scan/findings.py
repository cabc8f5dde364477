"""What the scanners find, less what is excepted with a reason."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_GRADE_OK = 7
"""kube-score grades 1 (critical), 5 (warning), 7 (almost) and 10."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that one object does not pass."""

    check: str
    kind: str
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class Excepted:
    """A check that objects of some kinds need not pass, and why."""

    check: str
    kinds: frozenset[str]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Tell whether the finding is of this check and one of these kinds."""
        return finding.check == self.check and finding.kind in self.kinds


def load_exceptions(path: Path) -> list[Excepted]:
    """Return the exceptions of a file: check, kinds, reason."""
    return [
        Excepted(item["check"], frozenset(item["kinds"]), item["reason"])
        for item in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def unexcepted(findings: Iterable[Finding], exceptions: Iterable[Excepted]) -> list[Finding]:
    """Return the findings that no exception covers."""
    known = list(exceptions)
    return [f for f in findings if not any(e.covers(f) for e in known)]


def unused(findings: Iterable[Finding], exceptions: Iterable[Excepted]) -> list[tuple[str, str]]:
    """Return (check, kind) of what is excepted and never found."""
    found = {(f.check, f.kind) for f in findings}
    return [(e.check, kind) for e in exceptions for kind in e.kinds if (e.check, kind) not in found]


def run_kube_score(program: Path, file: Path) -> Iterator[Finding]:
    """Yield what kube-score finds in a file of manifests."""
    for item in _json([str(program), "score", str(file), "--output-format=json"]) or ():
        for result in item["checks"]:
            if not result["skipped"] and result["grade"] < _GRADE_OK:
                said = "; ".join(c["summary"] for c in result["comments"] or ())
                kind, name = item["type_meta"]["kind"], item["object_meta"]["name"]
                yield Finding(result["check"]["id"], kind, name, said)


def run_checkov(program: Path, folder: Path) -> Iterator[Finding]:
    """Yield what checkov finds in a folder of manifests."""
    found = _json(
        [
            str(program), "--directory", str(folder), "--framework=kubernetes", "--skip-download",
            "--quiet", "--compact", "--output=json",
        ]
    )  # fmt: skip
    assert found["summary"]["resource_count"] > 0
    assert found["summary"]["parsing_errors"] == 0
    for result in found["results"]["failed_checks"]:
        kind, _, name = result["resource"].partition(".")
        yield Finding(result["check_id"], kind, name, result["check_name"])


def _json(argv: list[str]) -> Any:
    """Run a scanner; both end with 1 where they find something."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    return json.loads(done.stdout)
