"""A machine's real readings go in through SubmitStream and come out of GetHistory unchanged."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.single_node import SingleNode
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer
from twinledger.ledger.values import to_wire
from twinledger.v1.ledger_service_pb2 import (
    STAGE_CERTIFIED,
    STAGE_COMMITTED,
    SubmitStreamRequest,
)
from twinledger.v1.operation_pb2 import (
    ROLE_DEVICE,
    AdmitIdentity,
    CreateTwin,
    Operation,
    PropertyChange,
    UpdateTwin,
)
from twinledger.v1.twin_service_pb2 import GetHistoryRequest, GetTwinRequest
from twinledger.v1.twin_service_pb2_grpc import TwinServiceStub

READINGS = Path(__file__).parents[3] / "shared" / "data" / "telemetry" / "machine_temperature.csv"
MACHINE = "machine-1"
BATCH = 500

Reading = tuple[int, float]
"""When it was measured, microseconds since 1970, and the temperature."""


def readings() -> list[Reading]:
    with READINGS.open(newline="") as file:
        return [
            (_microseconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)
        ]


def _microseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def update(observed_at_us: int, temperature: float) -> Operation:
    change = PropertyChange(path="temperature", set=to_wire(temperature))
    return Operation(
        update_twin=UpdateTwin(twin_id=MACHINE, observed_at_us=observed_at_us, changes=[change])
    )


@pytest.mark.skipif(not READINGS.exists(), reason="the machine's readings are not at hand")
@pytest.mark.parametrize("count", [5_000, pytest.param(22_695, marks=pytest.mark.full)])
def test_every_reading_of_a_machine_comes_back_as_it_went_in(tmp_path, count):
    everything = readings()
    assert len(everything) == 22_695
    sent = everything[:count]
    with SingleNode(tmp_path) as node:
        device = admit_device(node)
        assert stream(node, device, sent) == len(sent)
        assert list(history(node)) == sent
        twin = TwinServiceStub(node.channel).GetTwin(GetTwinRequest(twin_id=MACHINE)).twin
        assert twin.version == len(sent) + 1
        assert twin.properties[0].value.double_value == sent[-1][1]
        assert twin.properties[0].origin.observed_at_us == sent[-1][0]
        assert list(twin.properties[0].origin.authors) == [device.identity]


def admit_device(node: SingleNode) -> Signer:
    device = Signer(IdentityName("utility/thermometer"), SigningKey.generate())
    admission = AdmitIdentity(
        identity=device.identity, public_key=device.key.public_key, role=ROLE_DEVICE
    )
    raw = node.transaction(
        Operation(create_twin=CreateTwin(twin_id=MACHINE)), Operation(admit_identity=admission)
    )
    assert node.outcome(raw) == "COMMITTED"
    return device


def stream(node: SingleNode, device: Signer, sent: list[Reading]) -> int:
    """Send all readings in order; return how many were committed."""

    def requests() -> Iterator[SubmitStreamRequest]:
        for batch in cut(sent):
            raws = [node.transaction(update(*reading), signers=[device]) for reading in batch]
            yield SubmitStreamRequest(transactions=raws)

    results = [
        result
        for response in node.ledger.SubmitStream(requests(), timeout=240)
        for result in response.results
    ]
    assert sorted(result.sequence for result in results) == list(range(len(sent)))
    return sum(result.status.stage in (STAGE_COMMITTED, STAGE_CERTIFIED) for result in results)


def cut(sent: list[Reading]) -> Iterator[list[Reading]]:
    for begin in range(0, len(sent), BATCH):
        yield sent[begin : begin + BATCH]


def history(node: SingleNode) -> Iterator[Reading]:
    """Read the machine's whole history, a page at a time; its creation is left out."""
    twins, version = TwinServiceStub(node.channel), 1
    while True:
        request = GetHistoryRequest(twin_id=MACHINE, after_version=version, page_size=1000)
        page = twins.GetHistory(request, timeout=60)
        for item in page.updates:
            assert item.version == version + 1
            version = item.version
            operation = item.operation.update_twin
            yield operation.observed_at_us, operation.changes[0].set.double_value
        if version == page.current_version:
            return
