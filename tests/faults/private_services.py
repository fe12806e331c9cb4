"""PostgreSQL, Redis and RabbitMQ of a test's own, on free ports, in a temporary folder: to be broken at will.

Where a program is missing the test skips and says so; in CI (`CI=true`) it fails instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from sqlalchemy import create_engine, text

PATIENCE_S = 60.0
IS_ROOT = os.name == "posix" and os.geteuid() == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needed(name: str, *folders: str) -> str:
    """Path of a program, or the end of the test."""
    for folder in folders:
        for found in sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}"), reverse=True):
            return str(found)
    path = shutil.which(name)
    if path is None:
        message = f"{name} is not installed: no private instance of it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    ends_at_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < ends_at_s, f"waited in vain for {what}"
        time.sleep(0.02)


class PrivateService:
    """A server between `start` and `stop`, with a folder of its own that goes in the end."""

    name = ""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"private-{self.name}-"))
        self.port = free_port()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """End it as a crash would; nothing happens where it does not run."""
        raise NotImplementedError

    def restart(self, *, away_s: float = 0.0) -> None:
        """Crash, be away for a while, come back."""
        self.stop()
        time.sleep(away_s)
        self.start()


class PrivatePostgresql(PrivateService):
    """A cluster in which everybody is trusted. Its end is an immediate one: it recovers at the next start."""

    name = "postgresql"

    def __init__(self) -> None:
        self._bin = Path(needed("initdb", "/usr/lib/postgresql/*/bin")).parent
        super().__init__()
        self._data = self.folder / "data"
        if IS_ROOT:  # the server refuses to be root
            shutil.chown(self.folder, "postgres")
        # No fsync: what is tried here is the end of a process, not of a machine.
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = {
            "port": self.port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": "''",
            "fsync": "off",
            "shared_buffers": "32MB",
        }
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in options.items())

    def start(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-l", self.folder / "log", "-w", "start")

    def stop(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, *, template: str = "template0") -> str:
        """Make a database, and give its URL."""
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {database} TEMPLATE {template}"))
        engine.dispose()
        return self.url(database)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        if IS_ROOT:
            command = [needed("runuser"), "-u", "postgres", "--", *command]
        # A file and no pipe: the server would hold the pipe open for ever.
        with (self.folder / "commands").open("ab") as log:
            code = subprocess.run(command, stdout=log, stderr=log, cwd=self.folder, check=False).returncode
        assert code == 0, f"{program} failed: {(self.folder / 'commands').read_text(encoding='utf-8')[-1_000:]}"


class _Foreground(PrivateService):
    """A server that stays in the foreground, in a process group of its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__()

    def _command(self) -> tuple[Sequence[str], dict[str, str]]:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        command, environment = self._command()
        with (self.folder / "output").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._is_up, f"{self.name} on port {self.port}")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "output").read_text(encoding="utf-8")[-1_000:]
        return self._is_ready()

    def _says(self, question: bytes, answer: bytes) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as door:
                door.settimeout(1)
                door.sendall(question)
                return door.recv(64).startswith(answer)
        except OSError:
            return False


class PrivateRedis(_Foreground):
    """A Redis that writes nothing down: after a restart it knows nothing."""

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> tuple[Sequence[str], dict[str, str]]:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.folder}
        given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        return [needed("redis-server"), *given], {}

    def _is_ready(self) -> bool:
        return self._says(b"PING\r\n", b"+PONG")


class PrivateRabbitmq(_Foreground):
    """A RabbitMQ node with a name, a cookie and an epmd of its own."""

    name = "rabbitmq"

    def __init__(self) -> None:
        self._server = needed("rabbitmq-server", "/usr/lib/rabbitmq/bin")
        super().__init__()
        self._dist_port, self._epmd_port = free_port(), free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        (self.folder / "plugins").write_text("[].\n", encoding="ascii")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        # Our own: one that a node starts outlives it.
        if self._epmd is None:
            command = [needed("epmd"), "-address", "127.0.0.1", "-port", str(self._epmd_port)]
            self._epmd = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()

    def _command(self) -> tuple[Sequence[str], dict[str, str]]:
        folder = str(self.folder)
        return [self._server], {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"private-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_BASE": folder,
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _is_ready(self) -> bool:
        return self._says(b"AMQP\x00\x00\x09\x01", b"\x01")
