"""How often an identity may call: a bucket of two seconds' worth, filled as the ledger says."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from twinledger.ledger.errors import Code
from twinledger.ledger.names import IdentityName
from twinledger.node.services import rates
from twinledger.node.services.rates import Rates

PUMP, TANK = IdentityName("utility/pump"), IdentityName("utility/tank")


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_two_seconds_worth_pass_at_once_and_no_more():
    taken = Rates(Clock())
    assert taken.take(PUMP, 15, 10) == 15
    assert taken.take(PUMP, 15, 10) == 5
    assert taken.take(PUMP, 1, 10) == 0


def test_an_identity_takes_nothing_from_another():
    taken = Rates(Clock())
    assert taken.take(PUMP, 20, 10) == 20
    assert taken.take(TANK, 20, 10) == 20


def test_who_is_refused_is_told_when_one_more_passes():
    clock = Clock()
    taken = Rates(clock)
    taken.take(PUMP, 20, 10)
    refusal = taken.refusal(PUMP, 10)
    assert (refusal.code, refusal.retry_after_us) == (Code.RATE_LIMITED, 100_000)
    clock.now_s += 0.09
    assert taken.take(PUMP, 1, 10) == 0
    clock.now_s += 0.02
    assert taken.take(PUMP, 1, 10) == 1


def test_a_slow_limit_lets_one_pass_at_a_time():
    clock = Clock()
    taken = Rates(clock)
    assert taken.take(PUMP, 5, 1) == 2
    clock.now_s += 1
    assert taken.take(PUMP, 5, 1) == 1


def test_a_changed_limit_holds_from_the_next_call_on():
    clock = Clock()
    taken = Rates(clock)
    taken.take(PUMP, 2000, 1000)
    clock.now_s += 1
    assert taken.take(PUMP, 100, 2) == 2


def test_only_so_many_buckets_are_kept(monkeypatch):
    monkeypatch.setattr(rates, "_IDENTITIES_KEPT", 3)
    taken = Rates(Clock())
    for number in range(10):
        taken.take(IdentityName(f"utility/{number}"), 1, 10)
    assert len(taken._buckets) == 3


@given(
    per_second=st.integers(1, 1000),
    calls=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 3000)), max_size=30),
)
def test_never_more_pass_than_the_limit_and_one_burst(per_second, calls):
    clock = Clock()
    taken, passed, start_s = Rates(clock), 0, clock.now_s
    for wait_s, count in calls:
        clock.now_s += wait_s
        passed += taken.take(PUMP, count, per_second)
    assert passed <= (2 + clock.now_s - start_s) * per_second + 1e-3
