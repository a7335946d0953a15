"""What a record of the chain is, in words, and the block that wrote it: for who looks at damage."""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple


class Named(NamedTuple):
    """A record, and the height of the block that wrote it; None when the record does not tell."""

    words: str
    height: int | None


def name_record(key: bytes, value: bytes) -> Named:
    """Name a record by its key and by the value it should have; neither need be well-formed."""
    try:
        return _NAMES[key[:1]](key[1:], value)
    except (KeyError, ValueError, struct.error):
        return Named(f"record {key.hex()}", None)


def _number(raw: bytes) -> int:
    (number,) = struct.unpack(">Q", raw[:8])
    return int(number)


def _of_block(words: str) -> Callable[[bytes, bytes], Named]:
    def name(key: bytes, _: bytes) -> Named:
        height = _number(key)
        return Named(f"{words} {height}", height)

    return name


def _applied(_: bytes, value: bytes) -> Named:
    return Named("applied height", _number(value))


def _receipts_from(_: bytes, value: bytes) -> Named:
    return Named("oldest height whose receipts are kept", _number(value))


def _oldest(_: bytes, value: bytes) -> Named:
    return Named("oldest height whose state is kept", _number(value))


def _state(key: bytes, _: bytes) -> Named:
    return Named(f"state at '{_text(key)}'", None)


def _location(key: bytes, value: bytes) -> Named:
    return Named(f"location of transaction {key.hex()}", _number(value))


def _update(key: bytes, value: bytes) -> Named:
    twin, version = key[:-9], _number(key[-8:])
    return Named(f"place of update {version} of twin '{_text(twin)}'", _number(value))


def _incoming(key: bytes, _: bytes) -> Named:
    return Named(f"incoming relationship '{_text(key)}'", None)


def _page(key: bytes, _: bytes) -> Named:
    tree, _, digits = key[8:].partition(b"\0")
    whose = f"twin '{_text(tree)}'" if tree else "the state"
    height = _number(key)
    return Named(f"page '{_text(digits)}' of the tree of {whose}, of height {height}", height)


def _history(key: bytes, _: bytes) -> Named:
    level, number = key[0], _number(key[1:])
    return Named(f"history hash {number} of level {level}", ((number + 1) << level) - 1)


def _replaced(key: bytes, _: bytes) -> Named:
    height = _number(key[-8:])
    return Named(f"state at '{_text(key[:-9])}' before height {height}", height)


def _text(raw: bytes) -> str:
    return raw.decode("ascii", errors="backslashreplace")


_NAMES: Final[dict[bytes, Callable[[bytes, bytes], Named]]] = {
    b"a": _applied,
    b"b": _receipts_from,
    b"c": _of_block("consortium after height"),
    b"g": _of_block("list of what was made stale by block"),
    b"h": _of_block("header of height"),
    b"i": _incoming,
    b"m": _history,
    b"n": _page,
    b"o": _replaced,
    b"p": _oldest,
    b"r": _of_block("receipts of height"),
    b"s": _state,
    b"t": _location,
    b"u": _update,
}
