"""Random proposals, votes and withdrawals, against a model that knows only counting."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.consortium.governed import HOUR_US, World, admit, remove
from twinledger.consortium.rules import Rules
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.governance_operations import ChangeRules, Withdraw

NAMES = "abcde"
PERCENT = 66


@dataclass
class Vote:
    """A proposal as the model sees it."""

    what: str
    whom: Any
    by: str
    ground: Any
    deadline: int
    yes: set[str] = field(default_factory=set)
    no: set[str] = field(default_factory=set)
    open: bool = True


class Model:
    """Members, one number, and ballots. Percentages are of people, counted on fingers."""

    def __init__(self, count: int) -> None:
        self.members = set(NAMES[:count])
        self.gone: set[str] = set()
        self.joined: set[str] = set()
        self.percent = PERCENT
        self.ballots: list[Vote] = []
        self.now = 0

    def ground(self) -> Any:
        return frozenset(self.members), self.percent

    def allowed(self, what: str, whom: Any) -> str:
        if what == "admit":
            if whom in self.members:
                return "MEMBER_CONFLICT"
            return "NODE_ID_USED" if whom in self.gone else ""
        if what == "remove":
            if whom not in self.members:
                return "MEMBER_NOT_FOUND"
            cosigning = self.members - {whom} - self.joined
            return "" if cosigning else "QUORUM_IMPOSSIBLE"
        return "NO_CHANGE" if whom == self.percent else ""

    def propose(self, by: str, what: str, whom: Any) -> str:
        if by not in self.members:
            return "NOT_A_VOTER"
        if refusal := self.allowed(what, whom):
            return refusal
        self.ballots.append(Vote(what, whom, by, self.ground(), self.now + HOUR_US, {by}))
        return self.count(self.ballots[-1], "PROPOSED")

    def vote(self, by: str, number: int, approve: bool) -> str:
        if by not in self.members:
            return "NOT_A_VOTER"
        ballot = self.ballots[number]
        if not ballot.open:
            return "PROPOSAL_CLOSED"
        if self.now > ballot.deadline:
            return "PROPOSAL_EXPIRED"
        if by in ballot.yes | ballot.no:
            return "VOTED_TWICE"
        if ballot.ground != self.ground():
            return "GROUND_MOVED"
        (ballot.yes if approve else ballot.no).add(by)
        return self.count(ballot, "VOTED")

    def withdraw(self, by: str, number: int) -> str:
        if by not in self.members:
            return "NOT_A_VOTER"
        ballot = self.ballots[number]
        if not ballot.open:
            return "PROPOSAL_CLOSED"
        if ballot.by != by:
            return "NOT_THE_PROPOSER"
        ballot.open = False
        return "PROPOSAL_WITHDRAWN"

    def count(self, ballot: Vote, otherwise: str) -> str:
        share = 50 if ballot.what == "rules" else self.percent
        possible = self.members - ballot.no
        if len(ballot.yes) / len(self.members) > share / 100:
            ballot.open = False
            self.enact(ballot)
            return "PROPOSAL_PASSED"
        if len(possible) / len(self.members) > share / 100:
            return otherwise
        ballot.open = False
        return "PROPOSAL_REJECTED"

    def enact(self, ballot: Vote) -> None:
        if ballot.what == "admit":
            self.members.add(ballot.whom)
            self.joined.add(ballot.whom)
        elif ballot.what == "remove":
            self.members.remove(ballot.whom)
            self.gone.add(ballot.whom)
        else:
            self.percent = ballot.whom


who = st.sampled_from(NAMES)
proposals = st.one_of(
    st.tuples(st.just("admit"), who),
    st.tuples(st.just("remove"), who),
    st.tuples(st.just("rules"), st.sampled_from([50, 66, 75])),
)
commands = st.one_of(
    st.tuples(st.just("propose"), who, proposals),
    st.tuples(st.just("vote"), who, st.integers(0, 9), st.booleans()),
    st.tuples(st.just("vote"), who, st.integers(0, 9), st.just(True)),
    st.tuples(st.just("withdraw"), who, st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, HOUR_US // 2, HOUR_US])),
)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4), st.lists(commands, max_size=25))
def test_the_ledger_counts_as_the_model_does(count: int, steps: list[Any]) -> None:
    rules = Rules(
        admit_member_percent=PERCENT,
        remove_member_percent=PERCENT,
        change_rules_percent=50,
        proposal_lifetime_us=HOUR_US,
    )
    world, model = World.of(count, rules), Model(count)
    known = set(NAMES[:count])
    for step in steps:
        if step[0] == "wait":
            world.time_us += step[1]
            model.now += step[1]
            continue
        kind, by, *rest = step
        if by not in known:  # has no identity yet that could sign anything
            continue
        if kind != "propose" and not rest[0] < len(model.ballots):
            continue
        assert outcome(world, kind, by, rest) == expected(model, kind, by, rest), step
        assert set(world.names) == model.members
        assert world.consortium.rules.remove_member_percent == model.percent
        known |= model.members


def expected(model: Model, kind: str, by: str, rest: list[Any]) -> str:
    if kind == "propose":
        return model.propose(by, *rest[0])
    return model.vote(by, *rest) if kind == "vote" else model.withdraw(by, *rest)


def outcome(world: World, kind: str, by: str, rest: list[Any]) -> str:
    try:
        if kind == "vote":
            return str(world.vote(by, rest[0] + 1, rest[1]).kind)
        if kind == "withdraw":
            return str(world.act(by, Withdraw(rest[0] + 1)).kind)
        what, whom = rest[0]
        return str(world.propose(by, change(what, whom)).kind)
    except LedgerError as error:
        return str(error.code)


def change(what: str, whom: Any) -> Any:
    if what == "admit":
        return admit(whom, 5000 + 10 * NAMES.index(whom))
    if what == "remove":
        return remove(whom)
    return ChangeRules((("admit_member_percent", whom), ("remove_member_percent", whom)))
