from twinledger.consensus import Index
from twinledger.consensus.inflight import Inflight


def test_the_window_is_full_after_so_many_messages() -> None:
    window = Inflight(max_messages=2, max_bytes=100)
    window.add(Index(1), 1)
    assert not window.full
    window.add(Index(2), 1)
    assert window.full


def test_the_window_is_full_after_so_many_bytes() -> None:
    window = Inflight(max_messages=9, max_bytes=100)
    window.add(Index(1), 99)
    assert not window.full
    window.add(Index(2), 1)
    assert window.full


def test_one_message_may_be_larger_than_the_window() -> None:
    window = Inflight(max_messages=9, max_bytes=100)
    window.add(Index(1), 500)
    assert window.full
    window.free_to(Index(1))
    assert not window.full


def test_an_acknowledgement_frees_every_message_up_to_it() -> None:
    window = Inflight(max_messages=9, max_bytes=30)
    for index in (3, 6, 9):
        window.add(Index(index), 10)
    window.free_to(Index(5))
    assert (window.messages, window.full) == (2, False)
    window.free_to(Index(9))
    assert window.messages == 0


def test_a_cleared_window_is_empty() -> None:
    window = Inflight(max_messages=1, max_bytes=1)
    window.add(Index(1), 1)
    window.clear()
    assert (window.messages, window.full) == (0, False)
