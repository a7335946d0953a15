"""What a device and an operator of another member see of twins, by what policies give them."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from tests.integration.single_node import SingleNode, code_of
from tests.unit.ledger.wire import admit, create, put_rule, relate, set_, update
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName
from twinledger.ledger.roles import Role
from twinledger.ledger.transaction import Signer
from twinledger.v1 import ledger_service_pb2, twin_service_pb2
from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceStub
from twinledger.v1.operation_pb2 import Operation
from twinledger.v1.twin_service_pb2_grpc import TwinServiceStub

READ = Permission.READ
pb = twin_service_pb2


@dataclass(frozen=True)
class World:
    """A node; a device of the owner, which by default reads all of its twins."""

    node: SingleNode
    device: Signer

    @property
    def seen(self) -> TwinServiceStub:
        return TwinServiceStub(self.node.channel_as(self.device))

    @property
    def all(self) -> TwinServiceStub:
        return TwinServiceStub(self.node.channel)

    def commit(self, *operations: Operation) -> int:
        """Commits as the admin; the height."""
        status = self.node.submit(self.node.transaction(*operations))
        assert status.receipt.outcome == "COMMITTED"
        return status.receipt.height

    def hide(self, twin_id: str, path: str = "") -> Operation:
        subject = f"identity:{self.device.identity}"
        return put_rule(twin_id, subject, READ, path=path, effect=Effect.REVOKE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with SingleNode(tmp_path_factory.mktemp("sight")) as node:
        device = Signer(IdentityName("utility/device"), SigningKey.generate())
        world = World(node, device)
        world.commit(admit(device.identity, device.key.public_key, Role.DEVICE))
        yield world


def refusal(call: object, request: object) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        call(request, timeout=60)  # type: ignore[operator]
    return code_of(refused.value)


def test_a_property_that_may_not_be_read_is_left_out(world: World):
    world.commit(create("a", set_("flow", 1), set_("price", 2)), world.hide("a", "reported/price"))
    seen = world.seen.GetTwin(pb.GetTwinRequest(twin_id="a"), timeout=60).twin
    whole = world.all.GetTwin(pb.GetTwinRequest(twin_id="a"), timeout=60).twin
    assert ([p.path for p in seen.properties], seen.partial) == (["flow"], True)
    assert ([p.path for p in whole.properties], whole.partial) == (["flow", "price"], False)


def test_a_twin_of_which_nothing_may_be_read_is_not_there(world: World):
    world.commit(create("b", set_("flow", 1)), world.hide("b"))
    calls = {
        world.seen.GetTwin: pb.GetTwinRequest(twin_id="b"),
        world.seen.GetHistory: pb.GetHistoryRequest(twin_id="b"),
        world.seen.Trace: pb.TraceRequest(twin_id="b", direction=pb.DIRECTION_DOWNSTREAM),
        world.seen.GetAccess: pb.GetAccessRequest(twin_id="b"),
        world.seen.ExplainAccess: pb.ExplainAccessRequest(twin_id="b"),
    }
    assert {refusal(call, request) for call, request in calls.items()} == {"TWIN_NOT_FOUND"}
    never = pb.GetTwinRequest(twin_id="never")
    assert refusal(world.seen.GetTwin, never) == "TWIN_NOT_FOUND"
    listed = world.seen.ListTwins(pb.ListTwinsRequest(prefix="b"), timeout=60)
    assert [twin.twin_id for twin in listed.twins] == []
    assert world.all.GetTwin(pb.GetTwinRequest(twin_id="b"), timeout=60).twin.version == 2


@pytest.mark.parametrize("hidden", ["ba", "bz"], ids=["in the middle", "at the end"])
def test_a_page_of_twins_never_ends_at_one_that_is_hidden(
    world: World, monkeypatch: pytest.MonkeyPatch, hidden: str
):
    prefix = f"list-{hidden}-"
    shown = [f"{prefix}{name}" for name in ("aa", "bb", "cc")]
    secrets = [f"{prefix}{hidden}{number}" for number in range(8)]
    world.commit(*(create(twin) for twin in [*shown, *secrets]))
    world.commit(*(world.hide(twin) for twin in secrets))
    # One page looks at so few that it may end anywhere.
    monkeypatch.setattr("twinledger.node.services.twin_service._LIST_SCAN", 2)
    told, after = list[str](), ""
    for _ in range(20):
        request = pb.ListTwinsRequest(prefix=prefix, page_size=1, after_id=after)
        page = world.seen.ListTwins(request, timeout=60)
        told += [twin.twin_id for twin in page.twins]
        after = page.next_after_id
        assert after not in secrets
        if not after:
            break
    assert told == shown


def test_a_history_withholds_what_may_not_be_read(world: World):
    world.commit(
        create("c", set_("flow", 1), set_("price", 2)),
        update("c", set_("price", 3)),
        update("c", set_("flow", 4)),
        world.hide("c", "reported/price"),
    )
    history = world.seen.GetHistory(pb.GetHistoryRequest(twin_id="c"), timeout=60)
    first, second, third, fourth = history.updates
    assert [change.path for change in first.operation.create_twin.changes] == ["flow"]
    assert first.withheld
    assert second.withheld
    assert not second.HasField("operation")
    assert not second.origin.authors
    assert not second.origin.transaction_id
    assert second.origin.cursor.height == first.origin.cursor.height
    assert not third.withheld
    # A rule that means the caller is shown to it.
    assert fourth.operation.put_access_rule.rule.path == "reported/price"
    assert [update.version for update in history.updates] == [1, 2, 3, 4]


def test_a_watch_leaves_out_what_may_not_be_read(world: World):
    height = world.commit(
        *(create("d", set_("price", 2)), world.hide("d", "reported/price")),
        *(create("e"), world.hide("e")),
    )
    after = pb.Cursor(height=height, index=1 << 31)
    stream: Any = world.seen.Watch(pb.WatchRequest(after=after), timeout=60)
    next(stream)  # what is left of that block: nothing
    hidden = [update("d", set_("price", 3)), update("e", set_("x", 1))]
    world.commit(*hidden, update("d", set_("y", 1)))
    (update_seen,) = next(each for each in stream if each.updates).updates
    assert (update_seen.twin_id, update_seen.version) == ("d", 4)


def test_a_trace_follows_only_what_may_be_read(world: World):
    world.commit(
        *(create(name) for name in ("f", "g", "h", "i")),
        relate("f", "feeds", "g"),
        relate("f", "fills", "h"),
        relate("g", "feeds", "i"),
        world.hide("f", "relationship/fills"),
        world.hide("i"),
    )
    down = pb.TraceRequest(twin_id="f", direction=pb.DIRECTION_DOWNSTREAM)
    assert [t.twin_id for t in world.seen.Trace(down, timeout=60).twins] == ["f", "g"]
    assert [t.twin_id for t in world.all.Trace(down, timeout=60).twins] == ["f", "g", "h", "i"]
    up = pb.TraceRequest(twin_id="h", direction=pb.DIRECTION_UPSTREAM)
    assert [t.twin_id for t in world.seen.Trace(up, timeout=60).twins] == ["h"]


def test_a_grant_ends_by_the_nodes_clock_while_no_block_comes(world: World):
    subject = f"identity:{world.device.identity}"
    request = pb.GetTwinRequest(twin_id="j")
    world.commit(create("j", set_("x", 1)), world.hide("j"))
    for lasts_s in (1.5, 10, 60):  # a busy machine may answer only after the grant has ended
        ends_us = time.time_ns() // 1000 + int(lasts_s * 1e6)
        world.commit(put_rule("j", subject, READ, path="reported/x", expires=ends_us))
        with suppress(grpc.RpcError):
            seen = [p.path for p in world.seen.GetTwin(request, timeout=60).twin.properties]
            break
    assert seen == ["x"]
    time.sleep(max(0, ends_us / 1e6 - time.time()))  # the rule itself is a matter of time
    assert refusal(world.seen.GetTwin, request) == "TWIN_NOT_FOUND"


def test_the_policy_shows_everyone_what_is_said_of_itself(world: World):
    world.commit(
        create("k", set_("x", 1)),
        put_rule("k", "member:other", READ),
        put_rule("k", f"identity:{world.device.identity}", Permission.WRITE),
    )
    seen = world.seen.GetAccess(pb.GetAccessRequest(twin_id="k"), timeout=60)
    assert ([rule.subject for rule in seen.rules], seen.partial) == (
        ["identity:utility/device"],
        True,
    )
    whole = world.all.GetAccess(pb.GetAccessRequest(twin_id="k"), timeout=60)
    assert (len(whole.rules), whole.partial, whole.owner) == (2, False, "utility")


def test_the_deciding_rule_is_named(world: World):
    world.commit(create("l", set_("price", 1)), world.hide("l", "reported/price"))
    request = pb.ExplainAccessRequest(twin_id="l", path="reported/price/eur")
    read, write, *_ = world.seen.ExplainAccess(request, timeout=60).decisions
    assert (read.allowed, read.ground) == (False, pb.GROUND_RULE)
    assert read.rule.path == "reported/price"
    assert (write.allowed, write.ground) == (True, pb.GROUND_DEFAULT)
    assert write.rule.subject == "member:utility:device"
    of_another = pb.ExplainAccessRequest(twin_id="l", identity="utility/admin")
    assert refusal(world.seen.ExplainAccess, of_another) == "ACCESS_DENIED"
    of_device = pb.ExplainAccessRequest(
        twin_id="l", identity="utility/device", path="reported/price"
    )
    told = world.all.ExplainAccess(of_device, timeout=60)
    assert told.decisions[0].ground == pb.GROUND_RULE


def test_a_transactions_status_is_told_to_its_signers_member_and_auditors(world: World):
    raw = world.node.transaction(create("m"))
    status = world.node.submit(raw)
    request = ledger_service_pb2.GetTransactionRequest(transaction_id=status.transaction_id)
    own = LedgerServiceStub(world.node.channel_as(world.device))
    assert own.GetTransaction(request, timeout=60).status.receipt == status.receipt
