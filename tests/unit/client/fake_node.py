# ruff: noqa: N802 - the methods are named and called as gRPC says
"""Nodes that do as a test says: real gRPC servers on real sockets, and a ledger that is a list.

A `FakeLedger` is what the nodes of one consortium agree on; a `FakeNode` serves it. A test puts
`Refusal`s, `Loss`es and `Silence`s before a node's usual answers; each is used once, in order.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf import duration_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from twinledger.client.certificates import to_pem
from twinledger.client.channels import Credential
from twinledger.ledger.catalogue import CATALOGUE
from twinledger.ledger.errors import Code
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.receipt import Event, EventKind, Receipt
from twinledger.ledger.transaction import transaction_id
from twinledger.v1 import (
    access_pb2,
    block_pb2,
    consortium_service_pb2,
    ledger_service_pb2,
    operator_service_pb2,
    transaction_pb2,
    twin_service_pb2,
)
from twinledger.v1.consortium_service_pb2_grpc import (
    ConsortiumServiceServicer,
    add_ConsortiumServiceServicer_to_server,
)
from twinledger.v1.ledger_service_pb2_grpc import (
    LedgerServiceServicer,
    add_LedgerServiceServicer_to_server,
)
from twinledger.v1.operator_service_pb2_grpc import (
    OperatorServiceServicer,
    add_OperatorServiceServicer_to_server,
)
from twinledger.v1.twin_service_pb2_grpc import (
    TwinServiceServicer,
    add_TwinServiceServicer_to_server,
)

pb = ledger_service_pb2
CHAIN_ID = bytes(range(32))
GIVE_UP_SECONDS = 30


@dataclass(frozen=True)
class Refusal:
    """An error of the catalogue, as a node gives it."""

    code: str
    retry_after_us: int = 0
    detail: str = "because the test says so"

    @property
    def message(self) -> str:
        entry = CATALOGUE[Code(self.code)]
        return f"{entry.sentence}: {self.detail}." if self.detail else f"{entry.sentence}."


@dataclass(frozen=True)
class Loss:
    """The connection breaks; `taken` tells whether the ledger has the transaction by then."""

    taken: bool = False
    status: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE


@dataclass(frozen=True)
class Silence:
    """No answer before the client gives up."""


Step: TypeAlias = Refusal | Loss | Silence


@dataclass
class FakeLedger:
    """One transaction a block, each with an effect unless `outcomes` says otherwise."""

    chain_id: bytes = CHAIN_ID
    receipts: dict[bytes, block_pb2.Receipt] = field(default_factory=dict)
    raws: list[bytes] = field(default_factory=list)
    outcomes: deque[str] = field(default_factory=deque)
    nodes: list["FakeNode"] = field(default_factory=list)
    bundles: deque[bytes] = field(default_factory=deque)
    """What Prove answers, in order."""
    evidence: list[ledger_service_pb2.Evidence] = field(default_factory=list)
    questions: list[ledger_service_pb2.ProveRequest] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def height(self) -> int:
        return len(self.raws)

    def commit(self, raw: bytes) -> block_pb2.Receipt:
        """A receipt for a transaction: always the same one for the same bytes."""
        body = transaction_pb2.SignedTransaction.FromString(raw).body
        identity = transaction_id(body)
        with self.changed:
            if identity not in self.receipts:
                self.raws.append(raw)
                outcome = self.outcomes.popleft() if self.outcomes else "COMMITTED"
                self.receipts[identity] = self._receipt(identity, outcome)
                self.changed.notify_all()
            return self.receipts[identity]

    def _receipt(self, identity: bytes, outcome: str) -> block_pb2.Receipt:
        receipt = block_pb2.Receipt(
            transaction_id=identity, height=self.height, outcome=outcome, block_time_us=1
        )
        if outcome == "COMMITTED":
            receipt.events.add(kind="TWIN_UPDATED", subject="pump-7", version=self.height)
        else:
            receipt.failed_operation = 0
        return receipt

    def block(self, height: int) -> block_pb2.Block:
        zero = bytes(32)
        header = BlockHeader(height, 1, 1, zero, zero, zero, zero, zero).encode()
        block = block_pb2.Block(header=header, kind=block_pb2.ENTRY_KIND_BLOCK)
        if height:
            raw = self.raws[height - 1]
            body = transaction_pb2.SignedTransaction.FromString(raw).body
            event = Event(EventKind.TWIN_UPDATED, "pump-7", height)
            receipt = Receipt(transaction_id(body), "COMMITTED", None, (event,))
            block.transactions.append(raw)
            block.receipts.append(receipt.encode())
        return block

    def update(self, height: int) -> twin_service_pb2.TwinUpdate:
        """What the transaction of a block did to pump-7."""
        signed = transaction_pb2.SignedTransaction.FromString(self.raws[height - 1])
        body = transaction_pb2.TransactionBody.FromString(signed.body)
        cursor = twin_service_pb2.Cursor(height=height, index=0)
        origin = twin_service_pb2.Origin(
            transaction_id=transaction_id(signed.body),
            authors=[author.identity for author in body.authors],
            block_time_us=1,
            cursor=cursor,
        )
        return twin_service_pb2.TwinUpdate(
            twin_id="pump-7", version=height, operation=body.operations[0], origin=origin
        )

    def reached(self, height: int, context: grpc.ServicerContext) -> bool:
        """Waits for a height; False when the client went away first."""
        with self.changed:
            while self.height < height:
                self.changed.wait(0.05)
                if not context.is_active():
                    return False
        return True


class FakeNode(
    LedgerServiceServicer, TwinServiceServicer, ConsortiumServiceServicer, OperatorServiceServicer
):
    """Serves a fake ledger at an address of its own, from when it is made until `stop`."""

    def __init__(self, ledger: FakeLedger | None = None, shown: Sequence[Credential] = ()) -> None:
        self.ledger = ledger or FakeLedger()
        self.shown = shown
        self.ledger.nodes.append(self)
        self.name = f"node-{len(self.ledger.nodes)}"
        self.steps: deque[Step] = deque()
        """What Submit and the transactions of SubmitStream meet before a commit."""
        self.read_steps: deque[Step] = deque()
        """What reads and streams meet before an answer."""
        self.behind: deque[int] = deque()
        """Heights that GetHead tells before the true one."""
        self.hang_up_after: deque[int] = deque()
        """For each stream to come: after how many results or messages it breaks."""
        self.received: list[bytes] = []
        self.messages: list[int] = []
        """How many transactions each message of a SubmitStream carried."""
        self.reads: list[Any] = []
        self.identities: list[consortium_service_pb2.IdentityRecord] = []
        self.proposals: list[consortium_service_pb2.ProposalRecord] = []
        self.draining = False
        self.waits_for: deque[list[str]] = deque()
        """What Drain answers before it is safe to stop."""
        self.released = threading.Event()
        self._pool = futures.ThreadPoolExecutor(max_workers=16)
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        add_LedgerServiceServicer_to_server(self, self._server)
        add_TwinServiceServicer_to_server(self, self._server)
        add_ConsortiumServiceServicer_to_server(self, self._server)
        add_OperatorServiceServicer_to_server(self, self._server)
        if shown:
            pairs = [(each.key, to_pem(each.certificate)) for each in shown]
            credentials = grpc.ssl_server_credentials(pairs)
            port = self._server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"
        self._server.start()

    def stop(self) -> None:
        """Ends at once, as a crash would; connections break. Stopping twice is harmless."""
        self.released.set()
        self._server.stop(0).wait(GIVE_UP_SECONDS)
        self._pool.shutdown()

    def _meet(self, steps: deque[Step], raw: bytes | None, context: grpc.ServicerContext) -> None:
        step = steps.popleft() if steps else None
        match step:
            case Refusal():
                abort(context, step)
            case Loss(taken, status):
                if taken and raw is not None:
                    self.ledger.commit(raw)
                context.abort(status, "Socket closed")
            case Silence():
                while context.is_active() and not self.released.wait(0.02):
                    pass
                context.abort(grpc.StatusCode.CANCELLED, "nobody waits")

    # LedgerService

    def Submit(self, request: Any, context: Any) -> Any:
        self.received.append(request.transaction)
        self._meet(self.steps, request.transaction, context)
        if request.wait_for == pb.WAIT_FOR_NONE:
            receipt = self.ledger.commit(request.transaction)
            known = pb.TransactionStatus(
                transaction_id=receipt.transaction_id, stage=pb.STAGE_PENDING
            )
            return pb.SubmitResponse(status=known)
        status = status_of(self.ledger.commit(request.transaction))
        if request.wait_for == pb.WAIT_FOR_CERTIFIED and status.stage == pb.STAGE_COMMITTED:
            status.stage = pb.STAGE_CERTIFIED
        return pb.SubmitResponse(status=status)

    def SubmitStream(self, request_iterator: Any, context: Any) -> Iterator[Any]:
        limit = self.hang_up_after.popleft() if self.hang_up_after else None
        sequence = 0
        for request in request_iterator:
            self.messages.append(len(request.transactions))
            results: list[Any] = []
            for raw in request.transactions:
                if limit is not None and sequence >= limit:
                    yield pb.SubmitStreamResponse(results=results)
                    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
                self.received.append(raw)
                result = self._result(sequence, raw, request.wait_for)
                results += [result] if result else []
                sequence += 1
            yield pb.SubmitStreamResponse(results=results)

    def _result(self, sequence: int, raw: bytes, wait_for: int) -> Any:
        step = self.steps.popleft() if self.steps else None
        if isinstance(step, Silence):
            return None
        if isinstance(step, Refusal):
            error = pb.Error(
                code=step.code, message=step.message, retry_after_us=step.retry_after_us
            )
            return pb.SubmitResult(sequence=sequence, error=error)
        known = status_of(self.ledger.commit(raw))
        if wait_for == pb.WAIT_FOR_CERTIFIED:
            known.stage = pb.STAGE_CERTIFIED
        if wait_for == pb.WAIT_FOR_NONE:
            known = pb.TransactionStatus(
                transaction_id=known.transaction_id, stage=pb.STAGE_PENDING
            )
        return pb.SubmitResult(sequence=sequence, status=known)

    def SubmitBatch(self, request: Any, context: Any) -> Any:
        raise NotImplementedError  # the SDK uses the stream

    def ListEvidence(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return pb.ListEvidenceResponse(evidence=self.ledger.evidence)

    def Prove(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        self.ledger.questions.append(request)
        if not self.ledger.bundles:
            abort(context, Refusal("NOT_CERTIFIED"))
        return pb.ProveResponse(bundle=self.ledger.bundles.popleft())

    def GetReadHeight(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return pb.GetReadHeightResponse(height=self.ledger.height)

    def GetTransaction(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        receipt = self.ledger.receipts.get(request.transaction_id)
        known = pb.TransactionStatus(transaction_id=request.transaction_id, stage=pb.STAGE_UNKNOWN)
        return pb.GetTransactionResponse(status=status_of(receipt) if receipt else known)

    def GetBlock(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        if request.height > self.ledger.height:
            abort(context, Refusal("BLOCK_NOT_FOUND"))
        return pb.GetBlockResponse(block=self.ledger.block(request.height))

    def StreamBlocks(self, request: Any, context: Any) -> Iterator[Any]:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        limit = self.hang_up_after.popleft() if self.hang_up_after else None
        height = request.from_height
        while not request.HasField("to_height") or height <= request.to_height:
            if limit is not None and height - request.from_height >= limit:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            if not self.ledger.reached(height, context):
                return
            yield pb.StreamBlocksResponse(block=self.ledger.block(height))
            height += 1

    def GetHead(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        height = self.behind.popleft() if self.behind else self.ledger.height
        block = self.ledger.block(0)
        return pb.GetHeadResponse(chain_id=self.ledger.chain_id, header=block.header, height=height)

    # TwinService

    def GetTwin(self, request: Any, context: Any) -> Any:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        if request.twin_id != "pump-7":
            abort(context, Refusal("TWIN_NOT_FOUND", detail=request.twin_id))
        twin = twin_service_pb2.Twin(
            twin_id="pump-7", owner="utility", version=self.ledger.height, history_head=bytes(32)
        )
        return twin_service_pb2.GetTwinResponse(twin=twin, height=self.ledger.height)

    def ListTwins(self, request: Any, context: Any) -> Any:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        number = int(request.after_id.removeprefix("twin-") or 0) + 1
        twin = twin_service_pb2.Twin(twin_id=f"twin-{number}", version=1, history_head=bytes(32))
        return twin_service_pb2.ListTwinsResponse(
            twins=[twin], next_after_id=twin.twin_id if number < 3 else "", height=1
        )

    def GetHistory(self, request: Any, context: Any) -> Any:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        first = request.after_version + 1
        last = min(self.ledger.height, request.after_version + 2)
        return twin_service_pb2.GetHistoryResponse(
            updates=[self.ledger.update(height) for height in range(first, last + 1)],
            current_version=self.ledger.height,
            height=self.ledger.height,
        )

    def GetAccess(self, request: Any, context: Any) -> Any:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        rule = access_pb2.AccessRule(
            path="reported/motor",
            subject="member:maker",
            effect=access_pb2.EFFECT_GRANT,
            permissions=[access_pb2.PERMISSION_READ],
            expires_at_us=2_000_000,
        )
        sign_off = access_pb2.SignOff(
            permissions=[access_pb2.PERMISSION_TRANSFER], required=1, parties=["member:maker"]
        )
        return twin_service_pb2.GetAccessResponse(
            owner="utility", rules=[rule], sign_offs=[sign_off], height=7
        )

    def ExplainAccess(self, request: Any, context: Any) -> Any:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        decision = twin_service_pb2.AccessDecision(
            permission=access_pb2.PERMISSION_WRITE, ground=twin_service_pb2.GROUND_CLOSED
        )
        return twin_service_pb2.ExplainAccessResponse(decisions=[decision], height=7)

    def Trace(self, request: Any, context: Any) -> Any:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        twins = [
            twin_service_pb2.TracedTwin(twin_id="pump-7", depth=0),
            twin_service_pb2.TracedTwin(twin_id="tank-1", depth=1),
        ]
        edges = [
            twin_service_pb2.TracedRelationship(
                source_id="pump-7", name="feeds", target_id="tank-1"
            )
        ]
        return twin_service_pb2.TraceResponse(twins=twins, relationships=edges, height=1)

    def Watch(self, request: Any, context: Any) -> Iterator[Any]:
        self.reads.append(request)
        self._meet(self.read_steps, None, context)
        limit = self.hang_up_after.popleft() if self.hang_up_after else None
        height = request.after.height
        while True:
            if limit is not None and height - request.after.height >= limit:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            height += 1
            if not self.ledger.reached(height, context):
                return
            cursor = twin_service_pb2.Cursor(height=height, index=0)
            yield twin_service_pb2.WatchResponse(
                updates=[self.ledger.update(height)], cursor=cursor
            )

    # ConsortiumService and OperatorService

    def GetConsortium(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        response = consortium_service_pb2.GetConsortiumResponse(
            chain_id=self.ledger.chain_id, name="fake", height=self.ledger.height
        )
        for node in self.ledger.nodes:
            member = response.members.add(name=f"member-{node.name}")
            record = member.nodes.add(node_id=node.name, client_address=node.address, voter=True)
            for each in reversed(node.shown):
                record.certificates.add(der=each.certificate, valid_until_us=1)
        response.members.add(name="member-without-node")
        return response

    def ListProposals(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return consortium_service_pb2.ListProposalsResponse(proposals=self.proposals)

    def ListIdentities(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return consortium_service_pb2.ListIdentitiesResponse(identities=self.identities)

    def GetStatus(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return operator_service_pb2.GetStatusResponse(
            node_id=self.name,
            member="utility",
            chain_id=self.ledger.chain_id,
            role=operator_service_pb2.NODE_ROLE_LEADER,
            leader_id=self.name,
            applied_height=self.ledger.height,
        )

    def TransferLeadership(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return operator_service_pb2.TransferLeadershipResponse(leader_id=request.to, term=7)

    def Backup(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        return iter([operator_service_pb2.BackupResponse(height=self.ledger.height)])

    def Drain(self, request: Any, context: Any) -> Any:
        self._meet(self.read_steps, None, context)
        self.draining = not request.undo
        waits_for = self.waits_for.popleft() if self.waits_for and self.draining else []
        return operator_service_pb2.DrainResponse(waits_for=waits_for)


def status_of(receipt: block_pb2.Receipt) -> pb.TransactionStatus:
    committed = receipt.outcome == "COMMITTED"
    stage = pb.STAGE_COMMITTED if committed else pb.STAGE_REJECTED
    if receipt.outcome == "EXPIRED":
        return pb.TransactionStatus(transaction_id=receipt.transaction_id, stage=pb.STAGE_EXPIRED)
    return pb.TransactionStatus(transaction_id=receipt.transaction_id, stage=stage, receipt=receipt)


def abort(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    """Ends a call as a node does: the code in the details of a google.rpc.Status."""
    entry = CATALOGUE[Code(refusal.code)]
    status = grpc.StatusCode[entry.status]
    details = status_pb2.Status(code=status.value[0], message=refusal.message)
    info = error_details_pb2.ErrorInfo(reason=refusal.code, domain="twinledger")
    parts: list[Any] = [info]
    if refusal.retry_after_us:
        delay = duration_pb2.Duration()
        delay.FromMicroseconds(refusal.retry_after_us)
        parts.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for part in parts:
        packed = AnyMessage()
        packed.Pack(part)
        details.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", details.SerializeToString()),))
    context.abort(status, refusal.message)
    raise AssertionError("abort never returns")
