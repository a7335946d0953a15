from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.consensus import BadConfiguration, Configuration, Index, NodeId

A, B, C, D, E = map(NodeId, "abcde")
JOINT = Configuration((A, D), (A, B, C), (E,), (B,), (NodeId("z"),), Index(77))


def test_the_encoding_is_the_documented_one() -> None:
    encoded = Configuration((A, B), learners=(C,), removed=(D,), warrant=Index(258)).encode()
    expected = "010000000000000102000201610162000000010163000000010164"
    assert encoded.hex() == expected


def test_what_was_encoded_is_read_back() -> None:
    for configuration in (Configuration((A,)), JOINT):
        assert Configuration.decode(configuration.encode()) == configuration


def test_a_record_follows_the_lists_and_makes_it_version_two() -> None:
    plain = Configuration((A,), warrant=Index(7))
    anew = replace(plain, record=b"why")
    assert anew.encode() == b"\x02" + plain.encode()[1:] + b"why"
    assert Configuration.decode(anew.encode()) == anew


@pytest.mark.parametrize("cut", range(len(JOINT.encode())))
def test_a_cut_encoding_is_refused(cut: int) -> None:
    with pytest.raises(BadConfiguration):
        Configuration.decode(JOINT.encode()[:cut])


@pytest.mark.parametrize(
    "wrong",
    [
        JOINT.encode() + b"\x00",
        b"\x02" + JOINT.encode()[1:],
        b"\x01" + b"\xff" * 8 + JOINT.encode()[9:],
        Configuration((B, A)).encode(),
        Configuration((A, A)).encode(),
        Configuration(()).encode(),
        Configuration((A,), learners=(A,)).encode(),
        Configuration((A,), learners_next=(B,)).encode(),
        Configuration((A,), outgoing=(A,), learners_next=(A,)).encode(),
        Configuration((A,), removed=(A,)).encode(),
        Configuration((NodeId(""),)).encode(),
        Configuration((A,)).encode().replace(b"a", b"\xff"),
    ],
)
def test_what_is_not_canonical_or_not_sound_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadConfiguration):
        Configuration.decode(wrong)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_exactly_or_refused(data: bytes) -> None:
    try:
        configuration = Configuration.decode(data)
    except BadConfiguration:
        return
    assert configuration.encode() == data


@given(st.binary(min_size=1, max_size=3), st.integers(0, len(JOINT.encode()) - 1))
def test_a_damaged_encoding_is_read_exactly_or_refused(patch: bytes, place: int) -> None:
    good = JOINT.encode()
    data = good[:place] + patch + good[place + len(patch) :]
    try:
        configuration = Configuration.decode(data)
    except BadConfiguration:
        return
    assert configuration.encode() == data


def test_everyone_is_a_member_but_only_two_lists_vote() -> None:
    assert JOINT.members == (A, B, C, D, E)
    assert [JOINT.is_voter(node) for node in (A, B, C, D, E)] == [True, True, True, True, False]
