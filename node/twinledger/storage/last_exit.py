"""Why the node stopped last time, kept where `node status` finds it when the node is down.

The file is written in place, in blocks it already owns: a node that stops because the disk is full
can still say so. It is advice, not state: a torn one reads as absent.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import os_failure

_FILE_BYTES: Final = 8192
_TEXT_CHARACTERS: Final = 400
"""Of each text field: three of them, escaped at their worst, stay within the file."""


@dataclass(frozen=True, slots=True)
class LastExit:
    """How one run of the node ended."""

    code: str
    """STOPPED for a wanted stop, else the code of the error."""
    sentence: str
    next_step: str
    exit_code: int
    time_us: int
    """Microseconds since 1970."""

    def shortened(self) -> Self:
        """Return the same with texts that fit the file for certain."""
        return type(self)(
            self.code[:_TEXT_CHARACTERS],
            self.sentence[:_TEXT_CHARACTERS],
            self.next_step[:_TEXT_CHARACTERS],
            self.exit_code,
            self.time_us,
        )


def prepare_last_exit(path: Path) -> None:
    """Allocate the file while there is room.

    Raises:
        StorageFailure: the disk refused.
    """
    write_durably(path, b"\n".rjust(_FILE_BYTES))


def write_last_exit(path: Path, last_exit: LastExit) -> None:
    """Record how this run ends, without asking the disk for new room.

    Raises:
        StorageFailure: the disk refused.
    """
    text = json.dumps(asdict(last_exit.shortened()), indent=2, ensure_ascii=False)
    try:
        with path.open("r+b") as file:
            file.write(text.encode(errors="replace").ljust(_FILE_BYTES - 1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise os_failure(f"write {path.name}", error) from error


def read_last_exit(path: Path) -> LastExit | None:
    """Return how the last run ended; None when there was none or its record was torn."""
    try:
        fields = json.loads(path.read_bytes())
        return LastExit(**{name: fields[name] for name in LastExit.__slots__})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
