"""The newest head that a client has verified, kept on disk beside its profile.

The file is the proof of that head, as `twinledger verify --trusted-head` takes it. A new process
begins where the last one stood, so a node cannot show it an older ledger either.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twinledger.client.atomic_file import replace_file
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs.standing import Standing
from twinledger.proofs.verify import trusted_head

_SUFFIX = ".head"


@dataclass(frozen=True, slots=True)
class HeadFile:
    """One client's file."""

    path: Path

    @classmethod
    def beside(cls, profile: Path) -> "HeadFile":
        """The file that belongs to a profile's."""
        return cls(profile.with_name(profile.name + _SUFFIX))

    def load(self, chain_id: bytes) -> Standing | None:
        """Where the last process stood; None when there was none.

        Raises:
            LedgerError: CONFIG_INVALID when the file is damaged or cannot be read; WRONG_CHAIN.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LedgerError(Code.CONFIG_INVALID, f"{self.path}: {error.strerror}") from error
        try:
            standing = trusted_head(raw)
        except LedgerError as error:
            said = f"{self.path} is no proof of a head ({error.detail or error.message}); move it"
            raise LedgerError(Code.CONFIG_INVALID, f"{said} away only if you know why") from error
        if standing.chain_id != chain_id:
            raise LedgerError(Code.WRONG_CHAIN, f"{self.path} is of {standing.chain_id.hex()}")
        return standing

    def keep(self, raw: bytes, standing: Standing) -> None:
        """Writes the proof of a head, unless another process has kept a newer one by now.

        Raises:
            LedgerError: CONFIG_INVALID when it cannot be written; as `load` does.
        """
        try:
            with _alone(self.path.parent):
                kept = self.load(standing.chain_id)
                if kept is None or kept.size < standing.size:
                    replace_file(self.path, raw)
        except OSError as error:
            raise LedgerError(Code.CONFIG_INVALID, f"{self.path}: {error.strerror}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps out others who do the same: who compared before would replace what came since.

    The lock is the folder's own, as the file is another one after every replacement; it goes with
    the process, however that ends.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
