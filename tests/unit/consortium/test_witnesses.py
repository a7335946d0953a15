"""Certificates: a quorum of the witnesses in force, every line valid, none doubled or foreign."""

from itertools import combinations

import pytest

from tests.unit.ledger.heads import NOW_S, ORIGIN, branch, head_of, signed_head, witness_key
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import MemoryHistory
from twinledger.consortium.rules import default_quorum
from twinledger.consortium.witnesses import (
    Witness,
    WitnessSet,
    accused,
    certify,
    check_certificate,
)
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import Cosignature, cosign, log_line
from twinledger.ledger.errors import Code
from twinledger.ledger.evidence import find_evidence
from twinledger.ledger.names import MemberName
from twinledger.ledger.note import NoteLine, SignedNote, encode_note

NAMES = ["maker/maker-1", "plant/plant-1", "regulator/r", "utility/utility-1"]
HEAD = Checkpoint(ORIGIN, 7, bytes(32))


def witness(name: str) -> Witness:
    return Witness(MemberName(name.partition("/")[0]), name, witness_key(name).public_key)


SET = WitnessSet(tuple(map(witness, NAMES)), default_quorum(4))


def signed(name: str, head: Checkpoint = HEAD) -> Cosignature:
    return cosign(witness_key(name), name, head, NOW_S)


def lines(*names: str, head: Checkpoint = HEAD) -> list[NoteLine]:
    return [signed(name, head).line(witness_key(name).public_key) for name in names]


def note(*made: NoteLine, head: Checkpoint = HEAD) -> bytes:
    return encode_note(head.encode(), made)


@pytest.mark.parametrize(
    ("witnesses", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)]
)
def test_the_default_quorum(witnesses: int, quorum: int):
    assert default_quorum(witnesses) == quorum


@pytest.mark.parametrize("witnesses", range(1, 65))
def test_two_quorums_share_a_witness_outside_the_liars(witnesses: int):
    liars = (witnesses - 1) // 3
    quorum = default_quorum(witnesses)
    assert 2 * quorum - witnesses > liars
    assert quorum <= witnesses - liars


@pytest.mark.parametrize("seats", range(1, 99))
def test_one_seat_more_asks_for_one_signature_more_at_the_most(seats: int):
    # Who fills an empty seat can so never leave a quorum that cannot be.
    assert default_quorum(seats + 1) - default_quorum(seats) in {0, 1}


def test_a_quorum_certifies_and_the_lines_stand_in_the_order_of_names():
    certificate = certify(SET, HEAD, map(signed, reversed(NAMES[1:])))
    assert [made.name for made in certificate.cosignatures] == NAMES[1:]
    assert certificate.encode() == note(*lines(*NAMES[1:]))
    assert check_certificate(certificate.encode(), SET, ORIGIN) == certificate


@pytest.mark.parametrize("names", list(combinations(NAMES, 2)))
def test_fewer_than_a_quorum_certify_nothing(names: tuple[str, ...]):
    with refused(Code.QUORUM_MISSING, "2 of 4 signed, 3 must"):
        certify(SET, HEAD, map(signed, names))
    with refused(Code.QUORUM_MISSING, "2 of 4 signed, 3 must"):
        check_certificate(note(*lines(*names)), SET, ORIGIN)


OTHER = Checkpoint(ORIGIN, 8, bytes(32))
GOOD = lines(*NAMES)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (note(*GOOD[:3], lines(NAMES[3], head=OTHER)[0]), "signature of utility"),
        (note(*GOOD[:3], *lines("zoo/1")), "zoo/1 is no witness"),
        (note(*GOOD[:3], GOOD[2]), "order"),
        (note(*GOOD[:2], GOOD[3], GOOD[2]), "order"),
        (note(log_line(witness_key(NAMES[0]), HEAD), *GOOD), "order"),
        (note(*GOOD[:3], log_line(witness_key(NAMES[0]), HEAD)), "no witness"),
        (note(*GOOD[:3], NoteLine(NAMES[3], GOOD[0].key_id, GOOD[0].signature)), "another key"),
        (note(*GOOD[:3], NoteLine(NAMES[3], GOOD[3].key_id, GOOD[0].signature)), "signature of"),
        (note(*GOOD[:3], NoteLine(NAMES[3], GOOD[3].key_id, b"short")), "length"),
        (note(*GOOD, head=OTHER), "signature of maker"),
        (note(*GOOD)[:-1], "empty line"),
        (note(*GOOD) + b"\n", "empty line"),
        (b"a text\n\n" + b"".join(line.encode() for line in GOOD), "3 lines"),
        (b"", "empty line"),
    ],
)
def test_one_bad_line_refuses_the_whole_certificate(raw: bytes, why: str):
    with refused(Code.CERTIFICATE_INVALID, why):
        check_certificate(raw, SET, ORIGIN)


def test_the_head_of_another_ledger_is_refused():
    raw = certify(SET, HEAD, map(signed, NAMES)).encode()
    with refused(Code.CERTIFICATE_INVALID, "another ledger"):
        check_certificate(raw, SET, ORIGIN + "/epoch-1")


def test_a_certificate_of_other_witnesses_with_the_same_names_is_refused():
    strangers = [
        Witness(w.member, w.name, witness_key(w.name + "x").public_key) for w in SET.witnesses
    ]
    raw = certify(SET, HEAD, map(signed, NAMES)).encode()
    with refused(Code.CERTIFICATE_INVALID, "another key"):
        check_certificate(raw, WitnessSet(tuple(strangers), 3), ORIGIN)


@pytest.mark.parametrize(
    "witnesses",
    [
        (witness(NAMES[0]), witness(NAMES[0])),
        (witness(NAMES[0]), Witness(MemberName("x"), "x/1", witness(NAMES[0]).public_key)),
        (witness(NAMES[0]), Witness(MemberName("maker"), "maker/2", bytes(32))),
    ],
)
def test_no_member_and_no_key_speaks_twice(witnesses: tuple[Witness, ...]):
    with refused(Code.CERTIFICATE_INVALID, "share"):
        WitnessSet(witnesses, 1)


def test_a_set_of_which_nobody_must_sign_certifies_nothing():
    with refused(Code.CERTIFICATE_INVALID, "no witness"):
        WitnessSet(SET.witnesses, 0)


def test_a_certificate_is_a_checkpoint_that_other_tools_read():
    parsed = SignedNote.parse(certify(SET, HEAD, map(signed, NAMES)).encode())
    assert Checkpoint.decode(parsed.text) == HEAD
    assert [line.name for line in parsed.lines] == NAMES


def test_evidence_names_the_witness_by_the_key_that_the_consortium_knows():
    one, two = (MemoryHistory.of(branch(3, name, 9)) for name in (b"one", b"two"))
    heads = [signed_head(NAMES[1], head_of(tree, size)) for tree, size in ((one, 5), (two, 8))]
    made = find_evidence(two, witness(NAMES[1]).public_key, *heads)
    assert made is not None
    assert accused(made.encode(), SET, ORIGIN) == (witness(NAMES[1]), made)
    others = WitnessSet(SET.witnesses[:1], 1)
    with refused(Code.EVIDENCE_INVALID, "no witness here"):
        accused(made.encode(), others, ORIGIN)
    with refused(Code.EVIDENCE_INVALID):
        accused(b"garbage", SET, ORIGIN)
