"""Ways to corrupt a valid bundle: each takes its content apart, changes one thing, and writes it.

Every function returns the corrupted file, or None when this bundle has nothing of that kind.
"""

import base64
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.unit.proofs.cases import Case, cases, world
from tests.unit.proofs.world import World
from twinledger.ledger.canonical import Timestamp, decode, encode
from twinledger.ledger.note import SignedNote
from twinledger.proofs.bundle import FIRST_LINE

WAYS = {"path", "consistency", "transaction_path", "receipt_path"}
Place = tuple[Any, Any]


def taken(raw: bytes) -> Any:
    return deepcopy(decode(raw[len(FIRST_LINE) :]))


def written(content: Any) -> bytes:
    return FIRST_LINE + encode(content)


def places(content: Any, name: Any = None) -> Iterator[tuple[Any, Any, Any]]:
    """Every (container, key, name of the field) below a value."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(items):
        field = key if isinstance(content, dict) else name
        yield content, key, field
        if isinstance(value, (dict, list)):
            yield from places(value, field)


def pick(
    content: Any, chance: random.Random, wanted: Callable[[Any, str], bool]
) -> tuple[Any, Any] | None:
    found = [(box, key) for box, key, name in places(content) if wanted(box[key], name)]
    return chance.choice(found) if found else None


def flip(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) * 8)
    changed = bytearray(raw)
    changed[at >> 3] ^= 1 << (at & 7)
    return bytes(changed)


def bit_flipped(case: Case, chance: random.Random) -> bytes | None:
    return flip(case.raw, chance)


def bytes_cut_or_added(case: Case, chance: random.Random) -> bytes | None:
    at, size = chance.randrange(len(case.raw)), chance.randrange(1, 64)
    if chance.random() < 0.5:
        return case.raw[:at] + case.raw[at + size :]
    return case.raw[:at] + chance.randbytes(size) + case.raw[at:]


def file_truncated_or_continued(case: Case, chance: random.Random) -> bytes | None:
    if chance.random() < 0.5:
        return case.raw[: chance.randrange(len(case.raw))]
    return case.raw + chance.randbytes(chance.randrange(1, 100))


def nodes_swapped(case: Case, chance: random.Random) -> bytes | None:
    content = taken(case.raw)
    place = pick(content, chance, lambda v, n: n in WAYS | {"proof"} and len(v) >= 68)
    if place is None:
        return None
    box, key = place
    raw = box[key]
    start = len(raw) % 32
    one, other = chance.sample(range(start, len(raw), 32), 2)
    parts = {one: raw[other : other + 32], other: raw[one : one + 32]}
    box[key] = raw[:start] + b"".join(
        parts.get(at, raw[at : at + 32]) for at in range(start, len(raw), 32)
    )
    return written(content)


def path_shortened_or_extended(case: Case, chance: random.Random) -> bytes | None:
    content = taken(case.raw)
    place = pick(content, chance, lambda v, n: n in WAYS | {"proof"} and len(v) >= 36)
    if place is None:
        return None
    box, key = place
    raw, at = box[key], chance.randrange(0, len(box[key]) + 1, 32)
    if chance.random() < 0.5:
        box[key] = raw[:at] + raw[at + 32 :] if chance.random() < 0.9 else b""
    else:
        box[key] = raw[:at] + chance.randbytes(32) + raw[at:]
    return written(content)


def certificates(content: Any) -> list[Place]:
    return [(box, key) for box, key, name in places(content) if name == "certificate"]


def rewritten_note(raw: bytes, change: Callable[[list[list[Any]]], None]) -> bytes:
    note = SignedNote.parse(raw)
    lines: list[list[Any]] = [[line.name, line.key_id + line.signature] for line in note.lines]
    change(lines)
    rows = [f"\u2014 {name} {base64.b64encode(made).decode()}\n".encode() for name, made in lines]
    return note.text + b"\n" + b"".join(rows)


def signature_moved(case: Case, chance: random.Random) -> bytes | None:
    """To another witness, twice, out of order, from another head, or to another time."""
    content = taken(case.raw)
    box, key = chance.choice(certificates(content))
    others = [o[k] for o, k in certificates(content) if o is not box]

    def change(lines: list[list[Any]]) -> None:
        one, other = chance.sample(range(len(lines)), 2)
        way = chance.randrange(5 if others else 4)
        if way == 0:
            lines[one][1], lines[other][1] = lines[other][1], lines[one][1]
        elif way == 1:
            lines.insert(one, list(lines[one]))
        elif way == 2:
            lines[one], lines[other] = lines[other], lines[one]
        elif way == 3:
            made = lines[one][1]
            lines[one][1] = made[:4] + chance.randbytes(8) + made[12:]
        else:
            foreign = SignedNote.parse(chance.choice(others)).lines
            taken_line = foreign[min(one, len(foreign) - 1)]
            lines[one] = [taken_line.name, taken_line.key_id + taken_line.signature]

    box[key] = rewritten_note(box[key], change)
    return written(content)


def quorum_lowered(case: Case, chance: random.Random) -> bytes | None:
    """Too few lines, sometimes together with a record or a genesis that would allow it."""
    content = taken(case.raw)
    box, key = chance.choice(certificates(content))

    def change(lines: list[list[Any]]) -> None:
        del lines[chance.randrange(3) :]
        if not lines:
            lines.append(["nobody/nobody-1", chance.randbytes(76)])

    box[key] = rewritten_note(box[key], change)
    if chance.random() < 0.5:
        if changes := [each for each in content["changes"] if "consortium" in each]:
            shown = chance.choice(changes)
            record = decode(shown["consortium"])
            record["rules"]["certificate_quorum"] = 1  # type: ignore[index,call-overload]
            shown["consortium"] = encode(record)
        if "genesis" in content["anchor"]:
            body = content["anchor"]["genesis"]
            lowered = body.replace(b'"certificate_quorum": 0', b'"certificate_quorum": 1')
            content["anchor"]["genesis"] = lowered
    return written(content)


_OTHER: list[Any] = []


def other_chain() -> Any:
    """The same kinds of bundles of another chain, by members with the same names and keys."""
    if not _OTHER:
        found = World("another four")
        for _ in range(len(world().blocks) - 1):
            found.append()
        _OTHER.append(taken(found.builder().bundle(found.builder().head_claim())))
    return _OTHER[0]


def of_another_chain(case: Case, chance: random.Random) -> bytes | None:
    content, foreign = taken(case.raw), other_chain()
    parts = ["head", "certificate", "claim"]
    if "genesis" in content["anchor"]:
        parts.append("anchor")
    part = chance.choice(parts)
    if part == "certificate":
        box, key = chance.choice(certificates(content))
        box[key] = foreign["head"]["certificate"]
    else:
        content[part] = deepcopy(foreign[part])
    return written(content)


def value_changed(case: Case, chance: random.Random) -> bytes | None:
    """A field of its own: a flipped bit or another number, the file well-formed again."""
    content = taken(case.raw)
    place = pick(content, chance, lambda v, n: type(v) in (bytes, int, str, Timestamp))
    assert place is not None
    box, key = place
    value = box[key]
    if isinstance(value, bytes):
        box[key] = flip(value, chance) if value else chance.randbytes(chance.randrange(1, 65))
    elif isinstance(value, int):
        box[key] = value + chance.choice([-1, 1, 1 << 40, -(1 << 40), chance.randrange(2, 1000)])
    elif isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        box[key] = value[:at] + chance.choice("0aZ.-/\u00e9") + value[at:]
    else:
        box[key] = Timestamp(value.us + chance.choice([-1, 1, 10**9]))
    return written(content)


def list_changed(case: Case, chance: random.Random) -> bytes | None:
    """An item dropped, doubled or moved."""
    content = taken(case.raw)
    place = pick(content, chance, lambda v, n: isinstance(v, list) and len(v) > 0)
    if place is None:
        return None
    box, key = place
    items = box[key]
    at, way = chance.randrange(len(items)), chance.randrange(3)
    if way == 0:
        if key == "transactions":  # a body that is missing counts as pruned, by design
            return None
        del items[at]
    elif way == 1:
        items.insert(chance.randrange(len(items) + 1), deepcopy(items[at]))
    else:
        items.insert(chance.randrange(len(items)), items.pop(at))
    return written(content)


def spliced(case: Case, chance: random.Random) -> bytes | None:
    """A part of another valid bundle of the same chain in the place of this one's."""
    content = taken(case.raw)
    donor = taken(chance.choice(cases()).raw)
    wanted = chance.choice(
        [
            "header",
            "path",
            "record",
            "proof",
            "consistency",
            "leaf",
            "leaves",
            "updates",
            "id",
            "key",
            "consortium",
            "recovery",
            "receipt",
            "transaction",
            "salt",
            "block",
            "values",
            "value",
            "twins",
            "blocks",
            "transactions",
            "receipts",
            "sides",
        ]
    )
    mine = pick(content, chance, lambda v, n: n == wanted)
    theirs = pick(donor, chance, lambda v, n: n == wanted)
    if mine is None or theirs is None:
        return None
    mine[0][mine[1]] = deepcopy(theirs[0][theirs[1]])
    return written(content)


def form_changed(case: Case, chance: random.Random) -> bytes | None:
    """Fields missing, surplus, or of another kind."""
    content = taken(case.raw)
    found = list(places(content))
    box, key, _ = chance.choice(found)
    way = chance.randrange(3)
    if way == 0 and isinstance(box, dict):
        del box[key]
    elif way == 1 and isinstance(box, dict):
        box["surplus"] = chance.choice([None, 1, b"", "x", [], {}])
    else:
        other: Any = chance.choice([None, True, 1, 1.5, b"", "", [], {}, Timestamp(1), [[[]]]])
        if type(other) is type(box[key]):
            return None
        if key in ("leaf", "value") and other is None:
            return None
        box[key] = other
    return written(content)


CLASSES = [
    bit_flipped,
    bytes_cut_or_added,
    file_truncated_or_continued,
    nodes_swapped,
    path_shortened_or_extended,
    signature_moved,
    quorum_lowered,
    of_another_chain,
    value_changed,
    list_changed,
    spliced,
    form_changed,
]
