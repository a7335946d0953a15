"""Each transaction is prepared once, kept within a bound, and again when it was dropped."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from twinledger.execution.prepare import prepare
from twinledger.ledger.limits import Limits
from twinledger.node import preparation
from twinledger.node.preparation import CHUNK, MAX_INLINE, Preparation


@pytest.fixture
def prepared_now(monkeypatch):
    """Counts what is really prepared."""
    seen = list[bytes]()
    really = prepare

    def counting(raw, limits, chain_id):
        seen.append(raw)
        return really(raw, limits, chain_id)

    monkeypatch.setattr(preparation, "prepare", counting)
    return seen


@pytest.fixture
def preparing():
    with ThreadPoolExecutor(2) as threads:
        yield Preparation(threads, Limits, bytes(32))


def raws(count: int, size: int = 20) -> list[bytes]:
    return [number.to_bytes(size, "big") for number in range(count)]


@pytest.mark.parametrize("count", [1, MAX_INLINE, MAX_INLINE + 1, 3 * CHUNK + 1])
def test_each_is_prepared_once_and_comes_back_in_its_place(preparing, prepared_now, count):
    wanted = raws(count)
    preparing.start(wanted)
    for _ in range(2):
        assert [item.raw for item in preparing.collect(wanted)] == wanted
    assert sorted(prepared_now) == wanted


def test_what_was_forgotten_is_prepared_again(preparing, prepared_now):
    wanted = raws(1)
    preparing.collect(wanted)
    preparing.forget(wanted)
    preparing.collect(wanted)
    assert len(prepared_now) == 2


def test_what_is_kept_is_bounded_in_bytes(preparing, monkeypatch):
    monkeypatch.setattr(preparation, "MAX_KEPT_BYTES", 1000)
    for raw in raws(50, size=100):
        preparing.start([raw])
    assert preparing._kept_bytes == sum(map(len, preparing._kept)) <= 1000
    assert [item.raw for item in preparing.collect(raws(50, size=100))] == raws(50, size=100)
