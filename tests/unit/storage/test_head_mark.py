"""The newest signed head: synced before a signature leaves, never contradicted, never restored."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.execution.chain import two_members
from tests.unit.storage.power import flip_bit
from tests.unit.storage.writing import append, create_log, open_log, persist
from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import DataFolder, HeadMark, SignedMark
from twinledger.storage.head_mark import NextSigner

KEY = bytes(range(32))
ORIGIN = f"twinledger/{'ab' * 32}/epoch-12"


def mark(size: int, root: int = 1, time_s: int = 1000) -> SignedMark:
    return SignedMark(KEY, ORIGIN, size, bytes([root]) * 32, time_s)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    HeadMark.create(tmp_path / "head.mark")
    return tmp_path / "head.mark"


def opened(path: Path) -> HeadMark:
    found = HeadMark.open(path)
    assert found is not None
    return found


def advanced(path: Path, *marks: SignedMark) -> None:
    file = opened(path)
    for each in marks:
        file.advance(each)
    file.close()


def test_a_new_mark_says_that_nothing_was_signed(path: Path) -> None:
    assert opened(path).mark.head is None


def test_the_newest_signed_head_is_read_back(path: Path) -> None:
    advanced(path, mark(3), mark(7, 2, 1001))
    assert opened(path).mark == mark(7, 2, 1001)


def test_a_head_may_be_signed_again_while_it_is_the_newest(path: Path) -> None:
    advanced(path, mark(3), mark(3, time_s=1010))
    assert opened(path).mark.timestamp_s == 1010


@pytest.mark.parametrize(
    "following",
    [
        mark(6, 1, 2000),
        mark(7, 3, 2000),
        mark(7, 2, 999),
        replace(mark(8), key=bytes(32)),
        replace(mark(8), origin=ORIGIN[:-1]),
    ],
    ids=["smaller", "another root", "earlier", "another key", "another log"],
)
def test_what_was_signed_is_never_contradicted(path: Path, following: SignedMark) -> None:
    advanced(path, mark(7, 2))
    with pytest.raises(LedgerError):
        opened(path).advance(following)
    assert opened(path).mark == mark(7, 2)


def test_the_mark_is_on_the_disk_before_anything_is_signed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = list[str]()
    monkeypatch.setattr(os, "fdatasync", lambda _: steps.append("synced"))
    advanced(path, mark(1), mark(2))
    assert steps == ["synced", "synced"]


NEW_KEY = bytes(range(1, 33))


def test_a_key_that_may_follow_goes_on_where_the_old_one_ended(path: Path) -> None:
    advanced(path, mark(7, 2))
    right = NextSigner(path.parent / "head.next")
    right.allow(NEW_KEY)
    file = opened(path)
    right.take_over(file, NEW_KEY)
    assert file.mark == replace(mark(7, 2), key=NEW_KEY)
    with pytest.raises(LedgerError):
        file.advance(replace(mark(8, 2), key=KEY))
    with pytest.raises(LedgerError):
        file.advance(replace(mark(7, 3), key=NEW_KEY))
    file.advance(replace(mark(8, 2), key=NEW_KEY))
    file.close()
    assert opened(path).mark == replace(mark(8, 2), key=NEW_KEY)


@pytest.mark.parametrize("allowed", [None, bytes(32)], ids=["no key", "another key"])
def test_a_key_that_may_not_follow_leaves_the_mark_with_the_old_one(
    path: Path, allowed: bytes | None
) -> None:
    advanced(path, mark(7, 2))
    right = NextSigner(path.parent / "head.next")
    if allowed is not None:
        right.allow(allowed)
    file = opened(path)
    right.take_over(file, NEW_KEY)
    assert file.mark == mark(7, 2)


def test_the_right_to_follow_is_used_once(path: Path) -> None:
    advanced(path, mark(7, 2))
    right = NextSigner(path.parent / "head.next")
    right.allow(NEW_KEY)
    right.take_over(opened(path), NEW_KEY)
    assert not right.path.exists()
    # The same folder, put back to what it was before without the right.
    HeadMark.create(path)
    advanced(path, mark(7, 2))
    file = opened(path)
    right.take_over(file, NEW_KEY)
    assert file.mark == mark(7, 2)


def test_a_torn_write_leaves_the_head_before(path: Path) -> None:
    advanced(path, mark(1), mark(2))
    flip_bit(path, 4096 + 100)
    assert opened(path).mark == mark(1)


def test_two_spoilt_slots_are_damage(path: Path) -> None:
    advanced(path, mark(1))
    flip_bit(path, 100)
    flip_bit(path, 4096 + 100)
    with pytest.raises(LedgerError) as raised:
        HeadMark.open(path)
    assert raised.value.code is Code.DATA_DAMAGED


def test_a_folder_without_its_mark_may_not_sign_and_a_start_does_not_make_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    DataFolder.create(folder, two_members().raw, NodeId("a"), reserve_bytes=1 << 20)
    for expected in (True, False, False):
        with DataFolder.open(folder, reserve_bytes=1 << 20, min_free_bytes=1) as data:
            stores = data.open_stores()
            assert (stores.head_mark is not None) == expected
            stores.close()
        (folder / "head.mark").unlink(missing_ok=True)


def test_nothing_below_a_signed_head_is_truncated(tmp_path: Path) -> None:
    create_log(tmp_path)
    log = open_log(tmp_path)
    append(log, 5)
    log.note_signed(4)
    with pytest.raises(LedgerError, match="below a signed head"):
        log.write(persist(truncate_from=3))
    log.write(persist(truncate_from=4))
    assert log.last_index() == 3
    log.close()


def test_a_log_without_what_was_signed_is_damaged(tmp_path: Path) -> None:
    create_log(tmp_path)
    log = open_log(tmp_path)
    append(log, 3)
    log.note_signed(4)
    with pytest.raises(LedgerError, match="lost what this node signed") as raised:
        log.note_signed(5)
    assert raised.value.code is Code.DATA_DAMAGED
    log.close()
