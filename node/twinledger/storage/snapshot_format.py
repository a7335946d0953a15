"""A snapshot's manifest and chunks, byte by byte as `docs/formats`, "Snapshot" says."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from twinledger.ledger import domains
from twinledger.ledger.canonical import decode, encode
from twinledger.ledger.errors import Code, LedgerError

FORMAT: Final = 1
CHUNK_BYTES: Final = 1 << 20
"""What a chunk holds at most; one record that is larger has a chunk of its own."""
MAX_CHUNKS: Final = 1 << 20

Pair = tuple[bytes, bytes]

_HASH_BYTES: Final = 32
_LENGTHS: Final = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is of, and what it is made of.

    Attributes:
        chain_id: The chain, 32 bytes.
        height: The block after which the state is taken.
        term: The term of its log entry.
        entry_hash: The rolling hash of its log entry.
        header_hash: The hash of its header.
        configuration: The nodes that order after it, in consensus' own encoding.
        size: All chunks together, bytes.
        chunks: The hash of each chunk.
    """

    chain_id: bytes
    height: int
    term: int
    entry_hash: bytes
    header_hash: bytes
    configuration: bytes
    size: int
    chunks: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The manifest's bytes."""
        return encode(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "height": self.height,
                "term": self.term,
                "entry_hash": self.entry_hash,
                "header_hash": self.header_hash,
                "configuration": self.configuration,
                "size": self.size,
                "chunks": b"".join(self.chunks),
            }
        )

    @property
    def id(self) -> bytes:
        """What names the snapshot: equal for all who took it after the same block."""
        return manifest_id(self.encode())

    @classmethod
    def decode(cls, raw: bytes) -> "Manifest":
        """Read a manifest.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
        """
        try:
            fields = decode(raw)
        except LedgerError as error:
            raise snapshot_invalid(f"its manifest: {error.detail}") from error
        match fields:
            case {
                "format": int(1),
                "chain_id": bytes(chain_id),
                "height": int(height),
                "term": int(term),
                "entry_hash": bytes(entry_hash),
                "header_hash": bytes(header_hash),
                "configuration": bytes(configuration),
                "size": int(size),
                "chunks": bytes(chunks),
                **rest,
            } if not rest and _sound(height, term, size, chunks):
                hashes = (chain_id, entry_hash, header_hash)
                if all(len(found) == _HASH_BYTES for found in hashes):
                    split = tuple(
                        chunks[start : start + _HASH_BYTES]
                        for start in range(0, len(chunks), _HASH_BYTES)
                    )
                    return cls(
                        chain_id, height, term, entry_hash, header_hash, configuration, size, split
                    )
        raise snapshot_invalid("its manifest is not well-formed")


def _sound(height: int, term: int, size: int, chunks: bytes) -> bool:
    count, rest = divmod(len(chunks), _HASH_BYTES)
    return height > 0 and term > 0 and size > 0 and rest == 0 and 0 < count <= MAX_CHUNKS


def manifest_id(raw: bytes) -> bytes:
    """The hash that names a snapshot."""
    return domains.domain_hash(domains.SNAPSHOT, raw)


def chunk_hash(chunk: bytes) -> bytes:
    """The hash of a chunk, as the manifest has it."""
    return domains.domain_hash(domains.SNAPSHOT_CHUNK, chunk)


def encode_chunks(pairs: Iterable[Pair]) -> Iterator[bytes]:
    """Yield the chunks of records in the order of their keys."""
    chunk = bytearray()
    for key, value in pairs:
        size = _LENGTHS.size + len(key) + len(value)
        if chunk and len(chunk) + size > CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
        chunk += _LENGTHS.pack(len(key), len(value)) + key + value
    if chunk:
        yield bytes(chunk)


def decode_chunk(chunk: bytes) -> Iterator[Pair]:
    """Yield the records of a chunk.

    Raises:
        LedgerError: SNAPSHOT_INVALID.
    """
    at = 0
    while at < len(chunk):
        if at + _LENGTHS.size > len(chunk):
            raise snapshot_invalid("a chunk ends within a record")
        key_size, value_size = _LENGTHS.unpack_from(chunk, at)
        at += _LENGTHS.size
        end = at + key_size + value_size
        if end > len(chunk):
            raise snapshot_invalid("a chunk ends within a record")
        yield chunk[at : at + key_size], chunk[at + key_size : end]
        at = end


def snapshot_invalid(what: str) -> LedgerError:
    """The error of a snapshot that is refused."""
    return LedgerError(Code.SNAPSHOT_INVALID, what)
