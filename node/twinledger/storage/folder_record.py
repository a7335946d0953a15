"""The files `folder`, which makes a directory a node's data folder, and `boot`.

Five lines of ASCII, the last one the SHA-256 of those before it. A later format may add lines in
between; the first two and the last keep their meaning for ever, so that an old program can tell an
unknown format from a damaged file.

    twinledger data folder
    format 1
    node NODE
    chain 64 hex digits
    sha256 64 hex digits

`boot` ends with the same line; before it stands how often the node has started:

    boot NUMBER
    sha256 64 hex digits
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.damage import damaged

FORMAT: Final = 1
_FIRST_LINE: Final = "twinledger data folder"


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """Whose folder it is, and of which chain."""

    node_id: NodeId
    chain_id: bytes


def encode_folder(record: FolderRecord, version: int = FORMAT) -> bytes:
    """Return the file's content."""
    text = (
        f"{_FIRST_LINE}\nformat {version}\nnode {record.node_id}\nchain {record.chain_id.hex()}\n"
    ).encode()
    return text + _last_line(text)


def decode_folder(content: bytes) -> FolderRecord:
    """Return what the file says.

    Raises:
        LedgerError: DATA_DAMAGED; FORMAT_UNKNOWN when it is whole but of another format.
    """
    lines = _checked_lines("folder", content)
    if lines[:2] != [_FIRST_LINE, f"format {FORMAT}"]:
        raise LedgerError(
            Code.FORMAT_UNKNOWN,
            f"this program reads data folders of format {FORMAT}, this one says '{lines[1]}'",
        )
    return FolderRecord(
        NodeId(lines[2].removeprefix("node ")), bytes.fromhex(lines[3].removeprefix("chain "))
    )


def encode_boot(boot: int) -> bytes:
    """Return the content of the file `boot`."""
    text = f"boot {boot}\n".encode()
    return text + _last_line(text)


def decode_boot(content: bytes) -> int:
    """Return how often the node has started.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    (line,) = _checked_lines("boot", content)
    return int(line.removeprefix("boot "))


def _checked_lines(name: str, content: bytes) -> list[str]:
    text, mark, _ = content.rpartition(b"sha256 ")
    if not mark or content != text + _last_line(text):
        raise damaged(f"The data folder's file '{name}' is damaged")
    return text.decode().splitlines()


def _last_line(text: bytes) -> bytes:
    return f"sha256 {hashlib.sha256(text).hexdigest()}\n".encode()
