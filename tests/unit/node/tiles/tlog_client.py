"""A client of c2sp.org/tlog-tiles that knows nothing of this project: paths and hashes."""

import struct
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256

from nacl.signing import VerifyKey

Fetch = Callable[[str], bytes]


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, over hashes of one level."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(root_of(hashes[:split]), root_of(hashes[split:]))


def tile_path(level: str, number: int, width: int) -> str:
    text = f"{number % 1000:03d}"
    while number := number // 1000:
        text = f"x{number % 1000:03d}/{text}"
    return f"tile/{level}/{text}" + (f".p/{width}" if width < 256 else "")


class TlogClient:
    """Follows one log."""

    def __init__(self, fetch: Fetch, origin: str, log_key: bytes) -> None:
        self.fetch, self.origin, self.log_key = fetch, origin, log_key

    def checkpoint(self) -> tuple[int, bytes]:
        """The size and the root of the newest checkpoint, whose signature by the log holds."""
        text, _, lines = self.fetch("checkpoint").decode().partition("\n\n")
        origin, size, root = text.split("\n")
        assert origin == self.origin
        key_id = sha256(self.origin.encode() + b"\n\x01" + self.log_key).digest()[:4]
        mine = [line for line in lines.splitlines() if line.startswith(f"\u2014 {self.origin} ")]
        (signed,) = (b64decode(line.split(" ")[2]) for line in mine)
        assert signed[:4] == key_id
        VerifyKey(self.log_key).verify(f"{text}\n".encode(), signed[4:])
        return int(size), b64decode(root)

    def hashes(self, level: int, size: int) -> list[bytes]:
        """All hashes of a level of tiles, of a tree of so many leaves."""
        content = b"".join(self._tiles(str(level), size >> 8 * level))
        return [content[start : start + 32] for start in range(0, len(content), 32)]

    def entries(self, size: int) -> list[bytes]:
        """All entries."""
        content, found = b"".join(self._tiles("entries", size)), list[bytes]()
        while content:
            (length,) = struct.unpack(">H", content[:2])
            found.append(content[2 : 2 + length])
            content = content[2 + length :]
        return found

    def root(self, size: int) -> bytes:
        """The root over the tiles, each level held against the one below."""
        below = self.hashes(0, size)
        root = root_of(below)
        for level in range(1, 8):
            if not size >> 8 * level:
                break
            above = self.hashes(level, size)
            full = [below[start : start + 256] for start in range(0, 256 * len(above), 256)]
            assert above == [root_of(each) for each in full]
            below = above
        return root

    def _tiles(self, level: str, count: int) -> Iterator[bytes]:
        for number in range(-(-count // 256)):
            yield self.fetch(tile_path(level, number, min(256, count - 256 * number)))
