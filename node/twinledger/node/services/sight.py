"""What a caller may see of twins at one state: every read of twins looks through this.

Rules are in force by the later of block time and this node's clock: a grant ends in time, also
while no block comes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger.access import RELATIONSHIPS, WHOLE_TWIN, Permission, Subject
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.node.services.door import Caller
from twinledger.storage import ChainReader
from twinledger.twins.access import READ_ALL, Access
from twinledger.twins.policy import load_policy
from twinledger.twins.reading import find_twin
from twinledger.twins.records import Property, Relationship, Twin
from twinledger.v1 import operation_pb2
from twinledger.v1 import twin_service_pb2 as pb


@dataclass(slots=True)
class Sight:
    """The twins of one state, as one identity may see them."""

    state: ChainReader
    who: IdentityRecord
    time_us: int
    _access: dict[TwinId, Access | None] = field(default_factory=dict)

    @classmethod
    def of(cls, caller: Caller, state: ChainReader) -> Self:
        """Return what a caller sees; raises what `Caller.look_again` does."""
        caller.look_again()
        height = state.applied_height or 0
        return cls(state, caller.record, max(caller.now_us(), state.header(height).time_us))

    @property
    def whole(self) -> bool:
        """Whether nothing is hidden from the caller."""
        return self.who.role in READ_ALL

    def load(self, twin_id: TwinId) -> Twin:
        """Return a twin, or raise TWIN_NOT_FOUND, alike whether it is hidden or was never there."""
        twin = find_twin(self.state, twin_id)
        if twin is None or not self.shows(twin):
            raise LedgerError(Code.TWIN_NOT_FOUND, twin_id)
        return twin

    def shows(self, twin: Twin) -> bool:
        """Whether the caller may read anything of a twin."""
        return self.whole or self.access(twin).shows(self.who)

    def knows(self, twin_id: TwinId) -> bool:
        """Whether a twin is there, and shows itself to the caller."""
        access = self._find(twin_id)
        return access is not None and (self.whole or access.shows(self.who))

    def access(self, twin: Twin) -> Access:
        """Return the rules of a twin."""
        return Access(twin.owner, load_policy(self.state, twin.twin_id), self.time_us)

    def reads(self, twin_id: TwinId, path: str) -> bool:
        """Whether the caller may read a path of a twin."""
        return self.whole or self._may(twin_id, Permission.READ, path)

    def properties(self, twin: Twin, every: Iterable[Property]) -> tuple[Property, ...]:
        """Return those of a twin's properties that the caller may read."""
        return tuple(
            [item for item in every if self.reads(twin.twin_id, f"{item.section}/{item.path}")]
        )

    def relationships(self, twin_id: TwinId, every: Iterable[Relationship]) -> list[Relationship]:
        """Return those of a twin's relationships that the caller may read."""
        return [item for item in every if self.relates(twin_id, item.name, item.target_id)]

    def relates(self, twin_id: TwinId, name: str, target_id: str) -> bool:
        """Whether the caller may read one relationship of a twin."""
        return self.reads(twin_id, f"{RELATIONSHIPS}/{name}/{target_id}")

    def update(self, update: pb.TwinUpdate) -> pb.TwinUpdate:
        """Return an update as the caller may read it."""
        if self.whole:
            return update
        twin_id = TwinId(update.twin_id)
        shown = self._operation(twin_id, update.operation)
        if shown == update.operation:
            return update
        told = pb.TwinUpdate(twin_id=update.twin_id, version=update.version, withheld=True)
        if shown is None:
            told.origin.block_time_us = update.origin.block_time_us
            told.origin.cursor.CopyFrom(update.origin.cursor)
            return told
        told.operation.CopyFrom(shown)
        told.operation_index = update.operation_index
        told.origin.CopyFrom(update.origin)
        return told

    def _operation(
        self, twin_id: TwinId, operation: operation_pb2.Operation
    ) -> operation_pb2.Operation | None:
        """Return what the caller may read of an operation; None when that is nothing."""
        kind = operation.WhichOneof("kind")
        if kind in ("create_twin", "update_twin"):
            return self._changes(twin_id, operation, kind)
        if kind is None or not self._sees(twin_id, getattr(operation, kind)):
            return None
        return operation

    def _changes(
        self, twin_id: TwinId, operation: operation_pb2.Operation, kind: str
    ) -> operation_pb2.Operation | None:
        every = getattr(operation, kind).changes
        readable = [change for change in every if self.reads(twin_id, _path_of(change))]
        if len(readable) == len(every):
            return operation
        if not readable and kind == "update_twin":
            return None
        part = operation_pb2.Operation()
        part.CopyFrom(operation)
        changes = getattr(part, kind).changes
        del changes[:]
        changes.extend(readable)
        return part

    def _sees(self, twin_id: TwinId, said: object) -> bool:
        if isinstance(said, operation_pb2.RetireTwin | operation_pb2.TransferTwin):
            return True
        if isinstance(said, operation_pb2.Relate | operation_pb2.Unrelate):
            return self.relates(twin_id, said.name, said.target_id)
        about = _about_policy(said)
        if about is not None:
            return self.sees_rule(twin_id, *about)
        # A kind that nobody has thought of here is shown to those who may read the whole twin.
        return self.reads(twin_id, WHOLE_TWIN)

    def sees_rule(self, twin_id: TwinId, path: str, subjects: Iterable[str]) -> bool:
        """Whether the caller may see a rule: it administers the path, or the rule means it."""
        return (
            self.whole
            or any(_means(text, self.who) for text in subjects)
            or self._may(twin_id, Permission.ADMINISTER, path)
        )

    def _may(self, twin_id: TwinId, permission: Permission, path: str) -> bool:
        access = self._find(twin_id)
        return access is not None and access.decide(self.who, permission, path).allowed

    def _find(self, twin_id: TwinId) -> Access | None:
        if twin_id not in self._access:
            twin = find_twin(self.state, twin_id)
            self._access[twin_id] = None if twin is None else self.access(twin)
        return self._access[twin_id]


def _path_of(change: operation_pb2.PropertyChange) -> str:
    section = "desired" if change.section == operation_pb2.SECTION_DESIRED else "reported"
    return f"{section}/{change.path}"


def _about_policy(said: object) -> tuple[str, Iterable[str]] | None:
    """The path of a rule that an operation puts or deletes, and whom it means."""
    match said:
        case operation_pb2.PutAccessRule(rule=rule):
            return rule.path, [rule.subject]
        case operation_pb2.DeleteAccessRule():
            return said.path, [said.subject]
        case operation_pb2.PutSignOff(sign_off=sign_off):
            return sign_off.path, sign_off.parties
        case operation_pb2.DeleteSignOff():
            return said.path, []
    return None


def _means(text: str, who: IdentityRecord) -> bool:
    return Subject.parse(text).covers(who.identity, who.role)
