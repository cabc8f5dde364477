"""The tree is the map: every room says what it is for, and a file's name is said once."""

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import grimp
import pytest

from tools.tree import ROOT, project_files, python_files

PACKAGES = ("bot_runtime", "bot_exchange", "operator/bot_operator")
FLOORS_MAX = 12
KINDS = ("tradingbot", "modeltraining")
OF_BOTH_KINDS = ("plan.py", "objects.py", "observe.py")
"""Files that both kinds of resources have, under the same names."""

ROOMS = sorted(
    {
        path.parent
        for path in python_files()
        if str(path.parent).startswith(PACKAGES) and path.name == "__init__.py"
    }
)


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_begins_with_its_charter_and_holds_nothing_else_there(room: Path) -> None:
    """Who imports a room's part must not load the rest of it by accident."""
    body = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8")).body
    assert len(body) == 1, f"{room}/__init__.py: found {len(body)} statements; leave the docstring"
    charter = ast.get_docstring(ast.Module(body, type_ignores=[])) or ""
    assert re.fullmatch(r"[A-Z][^\n]{20,90}\.", charter.split("\n")[0]), (
        f"{room}/__init__.py: found {charter[:60]!r}; begin with one sentence of what is in it"
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_name_stands_twice_in_a_package(package: str) -> None:
    names: Counter[str] = Counter()
    for path in python_files():
        is_of_a_kind = path.parent.name in KINDS and path.name in OF_BOTH_KINDS
        if str(path).startswith(f"{package}/") and path.name != "__init__.py" and not is_of_a_kind:
            names[path.name] += 1
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_of_a_package_is_a_room(package: str) -> None:
    """A folder without a charter would be a namespace package, which nothing would report."""
    folders = {path.parent for path in python_files() if str(path).startswith(f"{package}/")}
    assert folders <= set(ROOMS)


@cache
def rooms_of(package: str) -> dict[str, set[str]]:
    """Return which rooms of a package each room imports."""
    name = Path(package).name
    graph = grimp.build_graph(name, cache_dir=None)
    rooms: dict[str, set[str]] = {}
    for module in graph.modules - {name}:
        own = module.split(".")[1]
        imported = (m.split(".") for m in graph.find_modules_directly_imported_by(module))
        rooms.setdefault(own, set()).update(m[1] for m in imported if len(m) > 1 and m[1] != own)
    return rooms


@pytest.mark.parametrize("package", PACKAGES)
def test_the_house_is_no_higher_than_a_reader_can_climb(package: str) -> None:
    rooms = rooms_of(package)

    def floor(room: str, above: tuple[str, ...] = ()) -> int:
        assert room not in above, f"{' -> '.join((*above, room))}: rooms import each other"
        return 1 + max((floor(below, (*above, room)) for below in rooms[room]), default=0)

    assert max(floor(room) for room in rooms) <= FLOORS_MAX


def test_the_layers_name_every_room() -> None:
    """So that a new room is placed before anything can import it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = {c["containers"][0]: c for c in contracts if c["type"] == "layers"}
    assert sorted(layers) == sorted(Path(package).name for package in PACKAGES)
    for package in PACKAGES:
        contract = layers[Path(package).name]
        placed = [room for layer in contract["layers"] for room in layer.split(" | ")]
        assert contract["exhaustive"] is True
        assert sorted(placed) == sorted(rooms_of(package))
        assert len(contract["layers"]) <= FLOORS_MAX


def test_only_the_exchange_room_names_ccxt() -> None:
    """It is imported by name, class by class, where no import contract sees it."""
    naming = {
        path.parts[1]
        for path in python_files()
        if str(path).startswith("bot_runtime/")
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and re.match(r"ccxt(\.|$)", str(node.value))
    }
    assert naming == {"exchange"}


def test_the_page_of_the_architecture_names_files_that_are_there() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+\.(?:py|yaml|toml|html))`", page))
    known = [f"/{path}" for path in project_files()]
    assert len(named) > 50
    assert [n for n in sorted(named) if not any(path.endswith(f"/{n}") for path in known)] == []
