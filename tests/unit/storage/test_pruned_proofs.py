"""What can still be proven when old blocks are gone from the disk, and what is said of the rest."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.benchmark.chain import Chain, witness_key
from tests.unit.auditing.test_audit_from_snapshot import joined, pruned
from twinledger.consortium.members import Consortium
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.roles import Role
from twinledger.node.proving import Proving
from twinledger.proofs.verify import verify
from twinledger.storage import ChainProofs
from twinledger.v1 import ledger_service_pb2 as pb

TWIN = "pump-2"


@pytest.fixture(scope="module", params=[pruned, joined], ids=lambda made: made.__name__)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    chain = Chain.open(request.param(tmp_path_factory.mktemp(request.param.__name__) / "data"))
    yield chain
    chain.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The same chain on a node that keeps everything."""
    chain = Chain.create(tmp_path_factory.mktemp("whole") / "data", lifetime_us=10_000_000)
    chain.grow(100, twins=24)
    chain.grow(40, twins=3)
    yield chain
    chain.close()


def proving(chain: Chain) -> Proving:
    """The node's own proving, under a certificate of its newest head."""
    witnesses = witness_set(Consortium.decode(chain.stores.chain.consortium_at(0)))
    root = ChainProofs(chain.stores.chain).history_root(chain.height + 1)
    head = Checkpoint(origin_of(chain.genesis.chain_id), chain.height + 1, root)
    signed = cosign(witness_key("utility"), witnesses.witnesses[0].name, head, 1_795_000_000)
    found = certify(witnesses, head, [signed])
    heads: Any = SimpleNamespace(certificate=found, book=chain.stores.heads)
    return Proving(chain.stores.chain, heads, chain.genesis.body)


def prove(chain: Chain, request: pb.ProveRequest) -> bytes:
    """A bundle, as an auditor is given it."""
    record = SimpleNamespace(role=Role.AUDITOR)
    auditor: Any = SimpleNamespace(record=record, look_again=lambda: None, now_us=lambda: 0)
    return proving(chain).prove(request, auditor).bundle


def told(chain: Chain, request: pb.ProveRequest) -> dict[str, Any]:
    return dict(verify(prove(chain, request), chain.genesis.chain_id).told.facts)


def passport(**claim: Any) -> pb.ProveRequest:
    return pb.ProveRequest(history=pb.HistoryClaim(twin_id=TWIN, **claim))


def oldest(chain: Chain) -> int:
    """The oldest block that is whole."""
    return max(chain.stores.log.oldest, chain.stores.chain.receipts_from)


def test_a_passport_still_proves_count_and_order_and_marks_what_is_gone(
    chain: Chain, whole: Chain
) -> None:
    found, complete = (told(each, passport())["updates"] for each in (chain, whole))
    assert [each["version"] for each in found] == list(range(1, len(complete) + 1))
    for mine, other in zip(found, complete, strict=True):
        assert mine["pruned"] == (mine["height"] < oldest(chain))
        assert not other["pruned"]
        told_alike = ("version", "height", "transaction_id")
        assert [mine[name] for name in told_alike] == [other[name] for name in told_alike]
    assert {each["pruned"] for each in found} == {True, False}


def test_a_passport_with_what_is_gone_says_so_in_words(chain: Chain) -> None:
    proven = verify(prove(chain, passport()), chain.genesis.chain_id)
    count = sum(each["pruned"] for each in proven.told.facts["updates"])
    assert f"The content of {count} updates is PRUNED." in proven.sentences


def test_a_receipt_of_a_block_that_is_gone_is_refused_with_the_oldest_height(
    chain: Chain, whole: Chain
) -> None:
    first, last = (whole.stores.chain.updates(TWIN, version, 1)[0] for version in (0, 16))
    with pytest.raises(
        LedgerError, match=f"the oldest block it keeps is {oldest(chain)}"
    ) as raised:
        prove(chain, of_transaction(first.transaction_id))
    assert raised.value.code is Code.PRUNED
    assert last.height >= oldest(chain)
    told(chain, of_transaction(last.transaction_id))


def of_transaction(transaction_id: bytes) -> pb.ProveRequest:
    return pb.ProveRequest(transaction=pb.TransactionClaim(transaction_id=transaction_id))


@pytest.mark.parametrize("kind", ["twin", "history", "property", "absent", "silence"])
def test_a_state_that_is_not_kept_any_more_is_refused_with_the_oldest_height(
    chain: Chain, kind: str
) -> None:
    requests = {
        "twin": pb.ProveRequest(twin=pb.TwinClaim(twin_id=TWIN, height=5)),
        "history": passport(height=5),
        "property": pb.ProveRequest(
            property=pb.PropertyClaim(twin_id=TWIN, key="reported/flow", height=5)
        ),
        "absent": pb.ProveRequest(absent=pb.AbsentClaim(twin_id="nobody", height=5)),
        "silence": pb.ProveRequest(silence=pb.SilenceClaim(twin_id=TWIN, from_height=5)),
    }
    with pytest.raises(LedgerError, match=r"the oldest height it keeps is \d+") as raised:
        prove(chain, requests[kind])
    assert raised.value.code is Code.PRUNED
