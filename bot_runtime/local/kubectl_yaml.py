"""YAML as `kubectl apply` reads it: a key that is written twice is refused, a date stays text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bot_runtime.process.errors import ConfigurationError

_MERGE, _TIMESTAMP = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:timestamp"


def load_documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file.

    Raises ConfigurationError where it cannot be read, is not YAML, or has a key twice.
    """
    try:
        return list(_read(path.read_text(encoding="utf-8")))
    except OSError as e:
        raise ConfigurationError(f"{path}: cannot be read: {e.strerror}") from e
    except _KeyTwiceError as e:
        raise ConfigurationError(f"{path}: {e}") from e
    except RecursionError as e:
        raise ConfigurationError(f"{path}: is nested too deeply") from e
    except (yaml.YAMLError, ValueError, LookupError) as e:  # the latter: `!!int x`, `!!bool x`
        raise ConfigurationError(f"{path}: is not YAML: {' '.join(str(e).split())}") from e


def _read(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    while loader.check_data():  # type: ignore[no-untyped-call]  # types-PyYAML has no type for it
        yield loader.get_data()


class _KeyTwiceError(Exception):
    """A mapping in which a key stands twice; the message names it and its lines."""


class _Loader(yaml.SafeLoader):
    """Reads plain values: texts, numbers, true, false, null, lists, mappings."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping as it is written, before `<<` brings in others' keys."""
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            line, name = key.start_mark.line + 1, (key.tag, key.value)
            if name in lines:
                raise _KeyTwiceError(
                    f"line {line}: the key {key.value} stands in line {lines[name]} already; "
                    "remove one of them"
                )
            lines[name] = line
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
