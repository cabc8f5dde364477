"""A real PostgreSQL of Debian's packages, as an unprivileged user on loopback.

One server serves a session of tests, and each test has a database of its own. None is dropped: that
would wait for the disk. Nothing that keeps what is committed is switched off.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.cluster import packages
from tests.cluster.certificates import Authority
from tests.cluster.errors import RequirementsMissing

PACKAGE: Final = "postgresql"
OLDEST: Final = 14
"""What docs/trading.md asks for."""
PROGRAMS: Final = Path("/usr/lib/postgresql")
USER: Final = "postgres"
PASSWORD: Final = "S3cretOfTheServer1"
START_SECONDS: Final = 30
SMALL: Final = "small"
"""A tablespace on a volume of its own, of `SMALL_BYTES`."""
SMALL_BYTES: Final = 24 * 2**20
_SETTINGS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "ssl=on",
    "ssl_cert_file=localhost.crt",
    "ssl_key_file=localhost.key",
    "shared_buffers=32MB",
    "max_wal_size=128MB",
    "lc_messages=C",
)
_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A server that runs as long as the block of `postgres_server` lasts."""

    folder: Path
    port: int

    @property
    def authority(self) -> Path:
        """Return the certificate that its own is signed by."""
        return self.folder / "ca.crt"

    def url(self, database: str, user: str = USER, password: str = PASSWORD, **options: str) -> str:
        """Return the url of a database."""
        return self.url_by(self.port, database, user, password, **options)

    def url_by(
        self, port: int, database: str, user: str = USER, password: str = PASSWORD, **options: str
    ) -> str:
        """Return the url of a database by another port, a proxy's."""
        query = "&".join(f"{key}={value}" for key, value in options.items())
        return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}" + (
            f"?{query}" if query else ""
        )

    def make_database(self, tablespace: str = "pg_default") -> str:
        """Make a database, and return its name."""
        name = f"test{next(_numbers)}"
        self.execute(
            USER,
            sql.SQL("CREATE DATABASE {} TABLESPACE {}").format(
                sql.Identifier(name), sql.Identifier(tablespace)
            ),
        )
        return name

    def make_role(self, name: str) -> None:
        """Make a role that may log in with the server's password."""
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        self.execute(USER, statement.format(sql.Identifier(name), sql.Literal(PASSWORD)))

    @property
    def small_volume(self) -> Path:
        """Return where the volume of the tablespace `SMALL` is mounted, for the server alone."""
        return self.folder / SMALL

    def shell(self, command: str) -> None:
        """Run a command as the server does, with its user and its volumes."""
        copy = sql.SQL("COPY (SELECT 1) TO PROGRAM {}")
        self.execute(USER, copy.format(sql.Literal(f"cat > /dev/null; {command}")))

    def execute(self, database: str, *statements: str | sql.Composed) -> list[tuple[Any, ...]]:
        """Execute statements as the superuser; return the rows of the last one."""
        found: list[tuple[Any, ...]] = []
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
                found = cursor.fetchall() if cursor.description else []
        return found


def find_programs() -> Path | None:
    """Return the folder of the newest server that is installed; None where there is none."""
    versions = [p for p in PROGRAMS.glob("*/bin") if (p / "postgres").exists()]
    newest = max(versions, key=lambda path: int(path.parent.name), default=None)
    return newest if newest is not None and int(newest.parent.name) >= OLDEST else None


def ensure() -> Path:
    """Return the folder of the server's programs, installed where that can be done here.

    Raises RequirementsMissing, ClusterError.
    """
    if find_programs() is None and packages.can_install():
        packages.install([PACKAGE], print)
    found = find_programs()
    if found is None:
        raise RequirementsMissing(f"PostgreSQL {OLDEST} or newer: apt-get install {PACKAGE}")
    return found


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server as long as the block lasts."""
    programs = ensure()
    folder = Path(tempfile.mkdtemp(prefix="botcripto-postgres-"))
    try:
        _prepare(programs, folder)
        with _running(programs, folder) as server:
            if has_small_volume():
                server.execute(USER, f"CREATE TABLESPACE {SMALL} LOCATION '{folder / SMALL}'")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(programs: Path, folder: Path) -> None:
    Authority(folder).issue_server("localhost", ["localhost"], ["127.0.0.1"])
    (folder / "password").write_text(PASSWORD)
    (folder / SMALL).mkdir()
    _give_away(folder)
    initdb = [str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", USER]
    initdb += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-locale"]
    initdb += ["--encoding=UTF8", "--no-sync", "--no-instructions"]
    subprocess.run([*_unprivileged(), *initdb], check=True, stdout=subprocess.DEVNULL, cwd="/")
    for name in ("localhost.crt", "localhost.key"):
        shutil.move(folder / name, folder / "data" / name)


@contextlib.contextmanager
def _running(programs: Path, folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder, _free_port())
    options = [part for setting in _SETTINGS for part in ("-c", setting)]
    argv = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(server.port)]
    whole = [*_small_volume(folder / SMALL), *_unprivileged(), "--pdeathsig=INT", *argv, *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(whole, stdout=log, stderr=log, cwd="/")
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is read again
        process.wait(START_SECONDS)


def _wait_for(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url(USER)).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                log = (server.folder / "log").read_text(errors="replace")
                raise AssertionError(f"PostgreSQL did not start: {log[-2000:]}") from None
            time.sleep(0.05)
        else:
            return


def has_small_volume() -> bool:
    """Tell whether the server has the tablespace `SMALL`: this user may mount one for it."""
    return _is_root()


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged() -> list[str]:
    """Return what runs a program as a user without rights; PostgreSQL refuses to be root."""
    ids = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if _is_root() else []
    return ["setpriv", *ids]


def _give_away(folder: Path) -> None:
    if not _is_root():
        return
    owner = pwd.getpwnam("postgres")
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _small_volume(folder: Path) -> list[str]:
    """Return what runs a program with a small volume that it alone sees."""
    if not _is_root():
        return []
    owner = pwd.getpwnam("postgres")
    options = f"size={SMALL_BYTES},mode=700,uid={owner.pw_uid},gid={owner.pw_gid}"
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", mount, str(folder)]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
