# ruff: noqa: N802 - the method is named and called as gRPC says
"""A fake node that proves what a chain in memory holds, or says what a test puts in its mouth."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.unit.client.fake_node import FakeLedger, FakeNode, Refusal, abort
from tests.unit.proofs.world import World
from twinledger.client.channels import Credential
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.names import TwinId
from twinledger.proofs.builder import Builder
from twinledger.proofs.bundle import encode_claim
from twinledger.proofs.claims import Claim
from twinledger.v1 import ledger_service_pb2 as pb

Lie = Callable[[pb.ProveRequest], pb.ProveResponse | None]


class ProvingNode(FakeNode):
    """Proves heads and twins.

    Attributes:
        world: The chain it serves.
        lie: What it answers instead of the truth; None is the truth.
        asked: The questions that came.
    """

    def __init__(
        self, world: World, ledger: FakeLedger | None = None, shown: Sequence[Credential] = ()
    ) -> None:
        self.world = world
        self.lie: Lie = lambda _: None
        self.asked: list[pb.ProveRequest] = []
        super().__init__(ledger or FakeLedger(world.genesis.chain_id), shown)

    def Prove(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        try:
            return self.lie(request) or self._proven(request)
        except LedgerError as error:
            return abort(context, Refusal(error.code, detail=error.detail))

    def GetHead(self, request: Any, context: Any) -> Any:
        response = super().GetHead(request, context)
        response.certificate = self.world.builder().certificate
        return response

    def _proven(self, request: pb.ProveRequest) -> pb.ProveResponse:
        builder = replace(self.world.builder(), under_size=request.under_size)
        claim = _claim(builder, request)
        if request.under_size:
            return pb.ProveResponse(claim=encode_claim(claim))
        return pb.ProveResponse(bundle=builder.bundle(claim, request.trusted_size))


def _claim(builder: Builder, request: pb.ProveRequest) -> Claim:
    if request.HasField("head"):
        return builder.head_claim()
    return builder.twin_claim(TwinId(request.twin.twin_id))
