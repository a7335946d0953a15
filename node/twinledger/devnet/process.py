"""One node's process: started, found again, and ended.

A process id alone proves nothing: after a crash or a reboot the number belongs to somebody else.
So node.pid also keeps when the process started, and a process counts as this node only when it
started at that moment and was given this node's settings file.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.ledger.errors import Code, LedgerError

PROGRAM: Final = ("-m", "twinledger.cli", "node", "run")
_POLL_SECONDS: Final = 0.02
_KILLED_SECONDS: Final = 10.0
_LOG_TAIL_BYTES: Final = 2_000


@dataclass(frozen=True, slots=True)
class NodeProcess:
    """The process of the node whose files lie in `folder`; it may be running or not."""

    folder: Path

    @property
    def config(self) -> Path:
        """The node's settings."""
        return self.folder / "node.toml"

    @property
    def log(self) -> Path:
        """What the node says, over all its runs."""
        return self.folder / "node.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "node.pid"

    @property
    def pid(self) -> int | None:
        """Its process id; None when it is not running."""
        try:
            content = json.loads(self._pid_file.read_text(encoding="utf-8"))
            pid, started = int(content["pid"]), str(content["started"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            said = f"{self._pid_file} is damaged; make sure that no node runs, then delete it"
            raise LedgerError(Code.CONFIG_INVALID, said) from error
        return pid if _start_of(pid) == started and self._is_ours(pid) else None

    def start(self, program: Sequence[str] = PROGRAM) -> int:
        """Starts the node in a session of its own and returns at once.

        `program` are Python's arguments before `--config`: other programs than this one's own are
        how two versions stand side by side.

        Raises:
            LedgerError: DATA_IN_USE when it runs already.
        """
        running = self.pid
        if running is not None:
            raise LedgerError(Code.DATA_IN_USE, f"{self.folder.name} runs as process {running}")
        command = [sys.executable, *program]
        pid = os.posix_spawn(
            sys.executable,
            [*command, "--config", str(self.config)],
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            # A session of its own: Ctrl-C at the terminal is the devnet's business, not the node's.
            setsid=True,
        )
        content = {"pid": pid, "started": _start_of(pid)}
        self._pid_file.write_text(json.dumps(content) + "\n", encoding="utf-8")
        return pid

    def kill(self) -> int:
        """Ends the node with SIGKILL, as a crash would, and waits until it is gone.

        Raises:
            LedgerError: NO_SUCH_NODE when it is not running.
        """
        pid = self.pid
        if pid is None:
            raise LedgerError(Code.NO_SUCH_NODE, f"{self.folder.name} is not running")
        self._signal(pid, signal.SIGKILL)
        self._await_end(_KILLED_SECONDS)
        return pid

    def ask_to_stop(self) -> None:
        """Sends SIGTERM to the node, if it runs."""
        pid = self.pid
        if pid is not None:
            self._signal(pid, signal.SIGTERM)

    def end(self, deadline: float) -> bool:
        """Waits until the node is gone, to `deadline` (monotonic), then uses SIGKILL.

        Returns:
            Whether SIGKILL was needed.
        """
        if self._await_end(deadline - time.monotonic()):
            return False
        pid = self.pid
        if pid is not None:
            self._signal(pid, signal.SIGKILL)
        return self._await_end(_KILLED_SECONDS)

    def log_tail(self) -> str:
        """The end of the node's log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _LOG_TAIL_BYTES))
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _await_end(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _signal(self, pid: int, number: signal.Signals) -> None:
        # It may end by itself between the look and the signal.
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def _is_ours(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        # A process that is only just executing has no command line yet: its start time must do.
        return not command or os.fsencode(self.config) in command.split(b"\0")


def _environment() -> dict[str, str]:
    """The node runs from the same sources as this process, installed or not."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}


def _start_of(pid: int) -> str | None:
    """When a process started, in the kernel's words; None when there is none or it has ended."""
    _reap(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The command stands in brackets and may hold anything; the fields after it are plain.
    fields = text.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started


def _reap(pid: int) -> None:
    # Our own child stays a zombie until it is waited for; another's child is not ours to wait for.
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
