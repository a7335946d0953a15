"""Nodes that keep heads, in memory: branches of a history, honest witnesses, and liars.

Nothing here has a clock or a thread: a world is what its seed says.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from tests.unit.ledger.trees import MemoryHistory
from twinledger.consortium.heads import Found, HeadKeeper
from twinledger.consortium.heads.gathering import Gathering
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.heads.signing import Signing
from twinledger.consortium.rules import default_quorum
from twinledger.consortium.witnesses import Certificate, Witness, WitnessSet
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.evidence import Evidence, SignedHead, check_evidence
from twinledger.ledger.history_tree import append, consistency_proof, root
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import MemberName

ORIGIN = origin_of(sha256(b"chain").digest())


def key_of(number: int) -> SigningKey:
    return SigningKey.load(sha256(b"witness %d" % number).digest())


def name_of(number: int) -> str:
    return f"member-{number}/node-{number}"


def witnesses(*numbers: int) -> WitnessSet:
    return WitnessSet(
        tuple(
            Witness(MemberName(f"member-{n}"), name_of(n), key_of(n).public_key) for n in numbers
        ),
        default_quorum(len(numbers)),
    )


def header(branch: str, height: int) -> bytes:
    """The header of a branch; "ab@9" is branch a below height 9 and branch b from there."""
    main, _, fork = branch.partition("@")
    letter = main[-1] if not fork or height >= int(fork) else main[0]
    return f"{letter} {height}".encode()


class Branch:
    """A history tree that knows its own branch's headers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.history = MemoryHistory()
        self.size = 0

    def grow(self, size: int) -> None:
        while self.size < size:
            leaf = header(self.name, self.size)
            self.history.hashes |= append(self.history, self.size, leaf)
            self.size += 1

    def head(self, size: int) -> Checkpoint:
        self.grow(size)
        return Checkpoint(ORIGIN, size, root(self.history, size))

    def consistency(self, first: int, second: int) -> tuple[bytes, tuple[bytes, ...]]:
        self.grow(second)
        return root(self.history, first), consistency_proof(self.history, first, second)


def signed(number: int, head: Checkpoint, time_s: int = 1000) -> SignedHead:
    return SignedHead(head, cosign(key_of(number), name_of(number), head, time_s))


@dataclass
class Honest:
    """A node that follows every rule, on the branch it was given."""

    number: int
    branch: Branch
    keeper: HeadKeeper
    certificates: list[Certificate] = field(default_factory=list)
    contrary: list[Certificate] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, number: int, branch: str, witness_set: WitnessSet, size: int = 1) -> "Honest":
        tree = Branch(branch)
        tree.grow(size)
        own = OwnHeads(ORIGIN, tree.history, size)
        return cls(number, tree, HeadKeeper(own, Signing(own, None), Gathering(own, witness_set)))

    @property
    def certified_size(self) -> int:
        return self.keeper.gathering.size

    def execute(self, following: WitnessSet | None = None) -> None:
        height = self.branch.size
        self.branch.grow(height + 1)
        self.take(self.keeper.executed(header(self.branch.name, height), following))

    def sign(self, time_s: int = 1000, *, again: bool = False) -> list[SignedHead]:
        """What it signs now, its mark being synced."""
        signing = self.keeper.signing
        durable, barrier = self.branch.size, self.keeper.gathering.barrier
        heads = signing.again(durable) if again else signing.batch(durable, barrier)
        made = [signed(self.number, head, time_s) for head in heads]
        if made:
            pairs = [(each.checkpoint, each.cosignature) for each in made]
            self.keeper.signed(pairs, key_of(self.number).public_key)
        return made

    def receive(self, heads: Iterable[SignedHead], speaker: int) -> None:
        self.keeper.received(heads, name_of(speaker))

    def check(self) -> None:
        """Run every check there is to run."""
        while (check := self.keeper.next_check()) is not None:
            self.take(self.keeper.checked(check, check.run()))

    def take(self, found: Found) -> None:
        if found.certificate is not None:
            self.certificates.append(found.certificate)
        if found.contrary is not None:
            self.contrary.append(found.contrary)
        self.evidence.extend(found.evidence)
        self.suspects.extend(found.suspects)

    def ask(self, others: Sequence["Honest"]) -> None:
        """Ask other honest nodes what only their branch can show."""
        for question in self.keeper.suspicions.questions():
            first, second = question.smaller.checkpoint.size, question.larger.checkpoint.size
            for other in others:
                if other.branch.size >= second:
                    found = self.keeper.answered(question, *other.branch.consistency(first, second))
                    self.evidence.extend([found] if found else [])


class World:
    """Witnesses that exchange what they sign, in any order, with losses."""

    def __init__(
        self, seed: int, branches: Sequence[str | None], *, fork: int, heights: int
    ) -> None:
        """`branches[i]` is the branch of honest node i; None for a liar."""
        self.draw = random.Random(seed)
        self.set = witnesses(*range(len(branches)))
        self.honest = [
            Honest.start(number, branch, self.set)
            for number, branch in enumerate(branches)
            if branch is not None
        ]
        self.liars = [number for number, branch in enumerate(branches) if branch is None]
        self.fork, self.heights = fork, heights
        self._lied: dict[int, set[int]] = {liar: set() for liar in self.liars}
        self._branches = {name: Branch(name) for name in branches if name is not None}
        self.double_signers: set[int] = set()
        self._lies: dict[int, list[SignedHead]] = {liar: [] for liar in self.liars}

    def run(self, rounds: int) -> None:
        for time_s in range(1000, 1000 + rounds):
            self._round(time_s)
        self.settle(1000 + rounds)

    def settle(self, time_s: int) -> None:
        """Everything that is held is passed on to everybody, twice, and every question asked."""
        for more in range(2):
            for node in self.honest:
                node.keeper.idle()
                node.check()
            for node in self.honest:
                said = [*node.sign(time_s + more, again=True), *node.keeper.suspicions.heads]
                for other in self.honest:
                    if other is not node:
                        other.receive(said, node.number)
                        other.check()
            for node in self.honest:
                node.ask(self.honest)

    def _round(self, time_s: int) -> None:
        for node in self.honest:
            for _ in range(self.draw.randrange(3)):
                if node.branch.size < self.heights:
                    node.execute()
        messages = [(node.number, node.sign(time_s)) for node in self.honest]
        for number, heads in messages:
            self._deliver(number, heads)
        for liar in self.liars:
            self._lie(liar, time_s)
        for node in self.honest:
            node.check()

    def _deliver(self, number: int, heads: list[SignedHead]) -> None:
        for node in self.honest:
            if node.number != number and self.draw.random() < 0.8:
                node.receive(heads, number)

    def _lie(self, liar: int, time_s: int) -> None:
        """Sign for each honest node what suits it, but never one size twice."""
        for node in self.draw.sample(self.honest, len(self.honest)):
            size = node.branch.size
            if size not in self._lied[liar] and self.draw.random() < 0.7:
                self._lied[liar].add(size)
                lie = signed(liar, node.branch.head(size), time_s)
                self._note_lie(liar, lie)
                for other in self.honest:
                    if other.branch.name == node.branch.name:
                        other.receive([lie], liar)

    def _note_lie(self, liar: int, lie: SignedHead) -> None:
        said = self._lies[liar]
        said.append(lie)
        beyond = {
            name
            for each in said
            if each.checkpoint.size > self.fork
            for name, branch in self._branches.items()
            if branch.head(each.checkpoint.size) == each.checkpoint
        }
        if len(beyond) > 1:
            self.double_signers.add(liar)

    @property
    def accused(self) -> set[str]:
        """Whom the evidence names; all of it is checked."""
        found = set()
        for node in self.honest:
            for evidence in node.evidence:
                witness = self.set.by_name[evidence.witness]
                check_evidence(evidence.encode(), witness.public_key, ORIGIN)
                found.add(evidence.witness)
        return found

    @property
    def conflicts(self) -> list[tuple[Certificate, Certificate]]:
        """Certificates that cannot both be of one history."""
        certificates = [each for node in self.honest for each in node.certificates]
        return [
            (one, other)
            for one in certificates
            for other in certificates
            if one.checkpoint.size > self.fork
            and self._branch_of(one) != self._branch_of(other)
            and other.checkpoint.size > self.fork
        ]

    def _branch_of(self, certificate: Certificate) -> str:
        head = certificate.checkpoint
        return next(n for n, b in self._branches.items() if b.head(head.size) == head)
