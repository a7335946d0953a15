"""Every way to damage a folder: a byte flipped in, or the loss of, one of each kind of record.

The kinds are not listed here but found in the folder: every first byte of a key in every LevelDB,
every file of LevelDB's own, every file beside them. So what is added to the folder later is damaged
as well.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.node.auditing.heads import name_head_record
from twinledger.storage.damage import REPLACE_NODE
from twinledger.storage.database import Database, View
from twinledger.storage.head_records import EVIDENCE_PREFIX, NEWEST_KEY, SEEN_PREFIX
from twinledger.storage.record_names import name_record
from twinledger.storage.set_certificates import CERTIFICATES_NAME

ADVICE: Final = {
    "peers.json": "advice: without it the node learns anew what others have shown",
    "last_exit.json": "advice: it tells how the last run ended, nothing rests on it",
    "log.marker": "one slot of two: a torn one is what a power cut leaves, the other counts",
    "head.mark": "one slot of two: the other counts, and the node signs on from there",
}
"""Files in which a flipped byte changes nothing that holds, and why."""
LOST_ADVICE: Final = {
    NEWEST_KEY: "advice: the members certify on, and the others hold it as well",
    SEEN_PREFIX: "advice: it comes again when that witness signs again",
    EVIDENCE_PREFIX: "advice: the other members hold it as well, and nothing here tells of it",
}
"""Kinds of records of the book of heads whose loss changes nothing that holds, and why."""

_LOG_RECORDS: Final = {
    b"a": "anchor of the log",
    b"c": "list of configurations",
    b"e": "log entry",
    b"s": "term, vote and commit",
}
_NO_DATA: Final = frozenset({"LOCK", "LOG", "LOG.old"})
"""LevelDB's own diary and lock."""
_STORE_FILES: Final = {"*.ldb": 8, "*.log": 2, "MANIFEST-*": 2, "CURRENT": 2}
"""LevelDB's other files, and into how many parts each is cut: a byte behind the first is flipped.

A table begins with its records. Behind them is a filter, of which LevelDB says nothing when it is
damaged, for it does without; in the smallest tables it lies in the middle.
"""
_CACHE_BYTES: Final = 1 << 20
_BEYOND_EVERY_KEY: Final = b"\xff"
_STEPS: Final = 1000


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to damage a folder.

    Attributes:
        what: The kind of record or file.
        change: What happens to it: a flipped byte, or loss.
        do: Does it to a copy of the folder.
        advice: Why nothing rests on it; empty when something does.
    """

    what: str
    change: str
    do: Callable[[Path], None]
    advice: str = ""


def damages(folder: Path, opened: Path) -> Iterator[Damage]:
    """Yield every way to damage a folder; `opened` is a copy of it, to look into its stores."""
    stores = sorted(path.parent for path in folder.glob("*/CURRENT"))
    for store in stores:
        name = store.name
        for kind, key in _samples(opened / name).items():
            yield Damage(_record(name, kind, key), "a byte flipped", _flip_record(name, key))
            advice = LOST_ADVICE.get(kind, "") if name == "heads" else ""
            yield Damage(_record(name, kind, key), "lost", _lose_record(name, key), advice)
    for store in stores:
        for pattern, parts in _STORE_FILES.items():
            if any(_filled(store, pattern)):
                flip = _flip_file(store.name, pattern, parts)
                yield Damage(f"{store.name}/{pattern}", "a byte flipped", flip)
    yield from _of_a_snapshot(folder)
    for path in sorted(opened.iterdir()):
        if path.is_file() and path.stat().st_size and path.name not in _NO_DATA:
            yield _file_damage(path.name)


def _of_a_snapshot(folder: Path) -> Iterator[Damage]:
    for path in sorted(folder.glob("snapshots/[0-9]*-*/*"))[:1]:
        place = path.parent.relative_to(folder)
        parts = {"manifest": "manifest", path.name: "chunk", CERTIFICATES_NAME: "certificates"}
        for name, what in parts.items():
            if any(_filled(folder / place, name)):
                flip = _flip_file(str(place), name)
                yield Damage(f"{what} of a snapshot", "a byte flipped", flip)


def _file_damage(name: str) -> Damage:
    return Damage(name, "a byte flipped", _flip_file(".", name), ADVICE.get(name, ""))


def _record(store: str, kind: bytes, key: bytes) -> str:
    if store == "log":
        return f"log: {_LOG_RECORDS.get(kind, repr(kind))}"
    if store == "heads":
        return f"heads: {name_head_record(key)}"
    return f"{store}: {name_record(key, bytes(32)).words}"


def _samples(store: Path) -> dict[bytes, bytes]:
    """A key from the middle of each kind: neither the first nor the last, where there are more."""
    found = dict[bytes, bytes]()
    database = _open(store)
    try:
        for byte in range(256):
            kind = bytes([byte])
            keys = [key for key, _ in database.scan(kind, kind + b"\xff" * 8)]
            if keys:
                found[kind] = keys[len(keys) // 2]
    finally:
        database.close()
    return found


def _open(store: Path) -> Database:
    return Database(store, REPLACE_NODE, cache_bytes=_CACHE_BYTES)


def _edit(store: Path, change: Callable[[View], list[tuple[bytes, bytes | None]]]) -> None:
    database = _open(store)
    try:
        database.write(change(database), sync=True)
    finally:
        database.close()


def _flip_record(store: str, key: bytes) -> Callable[[Path], None]:
    """Flip a byte in the middle of a record; in its key when the record is empty."""

    def change(view: View) -> list[tuple[bytes, bytes | None]]:
        value = view.get(key) or b""
        if value:
            return [(key, _flipped(value))]
        return [(key, None), (key[:-1] + _flipped(key[-1:]), value)]

    return lambda folder: _edit(folder / store, change)


def _lose_record(store: str, key: bytes) -> Callable[[Path], None]:
    return lambda folder: _edit(folder / store, lambda _: [(key, None)])


def _flip_file(store: str, pattern: str, parts: int = 2) -> Callable[[Path], None]:
    """Flip a byte of the largest such file, whose links are left alone: where its first part ends.

    By default of two, so in the middle.
    """

    def do(folder: Path) -> None:
        path = max(_filled(folder / store, pattern), key=lambda found: found.stat().st_size)
        content = path.read_bytes()
        content = _flipped(content, len(content) // parts)
        path.unlink()
        path.write_bytes(content)

    return do


def _filled(store: Path, pattern: str) -> Iterator[Path]:
    return (path for path in store.glob(pattern) if path.stat().st_size)


def _flipped(content: bytes, place: int | None = None) -> bytes:
    at = len(content) // 2 if place is None else place
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
