"""Remove from an image's libraries what no pod runs.

    python3 leave_out.py /opt/venv/lib/python3.11/site-packages

Tests, what others build against, type stubs, ccxt's asynchronous half and what it alone imports.
pip's records and the licences stay. Dockerfile.runtime runs this in the layer of the libraries, so
only the standard library is imported.
"""

import os
import shutil
import sys
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

ANYWHERE = (
    "test", "tests",
    "*.a", "*.c", "*.cc", "*.cpp", "*.h", "*.hpp", "*.pxd", "*.pxi", "*.pyi", "*.pyx",
)  # fmt: skip
"""Patterns of the names of folders and files at any depth."""

NAMED = (
    # The runtime asks exchanges by ccxt's synchronous classes.
    "ccxt/async_support",
    "ccxt/prediction",
    "ccxt/pro",
    "aiohttp",
    "uvloop",
    # They build extensions.
    "numpy/distutils",
    "pyarrow/include",
    "pyarrow/includes",
    "pyarrow/src",
    # C and C++ link it; Python's module holds the same library once more.
    "onnxruntime/capi/libonnxruntime.so*",
    # They make and change models; trainings use other libraries for it.
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # The journal's tables are SQLite's and PostgreSQL's; nothing maps objects to them.
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/orm",
    "sqlalchemy/testing",
    "alembic/testing",
    # No candle is read from there.
    "pyarrow/*flight*",
    "pyarrow/*s3*",
)
"""Patterns of paths below site-packages."""


def is_left_out(path: PurePosixPath) -> bool:
    """Tell whether a path below site-packages is left out, itself or with a folder above it."""
    parts = path.parts
    if parts[0].endswith(".dist-info"):
        return False
    if any(fnmatchcase(part, pattern) for part in parts for pattern in ANYWHERE):
        return True
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatchcase(folder, pattern) for folder in above for pattern in NAMED)


def leave_out(packages: Path) -> None:
    """Remove what is left out from a folder site-packages."""
    for folder, names, files in os.walk(packages):
        below = PurePosixPath(Path(folder).relative_to(packages))
        for name in [n for n in names if is_left_out(below / n)]:
            shutil.rmtree(Path(folder, name))
            names.remove(name)
        for name in files:
            if is_left_out(below / name):
                Path(folder, name).unlink()


if __name__ == "__main__":
    leave_out(Path(sys.argv[1]))
