"""Whom a client trusts: over TLS with exactly the certificates of its profile, and nobody else."""

from collections.abc import Callable, Iterator

import pytest

from tests.transport_keys import credential
from tests.unit.client.fake_node import CHAIN_ID, FakeLedger, FakeNode
from tests.unit.client.looped import looped
from twinledger.client import Code, LedgerError, Profile, TrustedNode, connect
from twinledger.client.channels import Credential

Serve = Callable[..., FakeNode]
TIMEOUT = 20.0


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts fake nodes that show certificates; the first is the one shown to whoever asks none."""
    ledger, made = FakeLedger(), list[FakeNode]()

    def start(*shown: Credential) -> FakeNode:
        made.append(FakeNode(ledger, shown))
        return made[-1]

    yield start
    for node in made:
        node.stop()


def trusting(node: FakeNode, *certificates: bytes, insecure: bool = False) -> Profile:
    record = TrustedNode(node.name, node.address, "127.0.0.1:1", certificates)
    return Profile(CHAIN_ID, (record,), insecure=insecure)


async def refusal(
    profile: Profile | None, *addresses: str, insecure: bool = False, seconds: float = TIMEOUT
) -> LedgerError:
    connecting = connect(addresses, profile=profile, timeout_seconds=seconds, insecure=insecure)
    with pytest.raises(LedgerError) as raised:
        async with connecting:
            pytest.fail("it connected")
    return raised.value


@looped
async def test_a_node_that_shows_its_certificate_is_talked_to(serve):
    own = credential("node-1")
    node = serve(own)
    async with connect(profile=trusting(node, own.certificate)) as ledger:
        assert ledger.chain_id == CHAIN_ID
        assert ledger.addresses == (node.address,)


@looped
async def test_a_certificate_of_the_same_name_by_another_hand_is_refused(serve):
    node = serve(credential("node-1"))
    expected = credential("node-1").certificate
    error = await refusal(trusting(node, expected))
    assert error.code is Code.CERTIFICATE_MISMATCH
    assert "which this client does not know" in error.detail
    assert "of node-1" in error.detail


@looped
async def test_the_certificate_of_another_node_of_the_profile_is_named(serve):
    one, two = credential("node-1"), credential("node-2")
    node = serve(two)
    there = TrustedNode("node-1", node.address, "127.0.0.1:1", (one.certificate,))
    elsewhere = TrustedNode("node-2", "127.0.0.1:1", "127.0.0.1:1", (two.certificate,))
    # The other node is down and may come back, so this is known only in the end.
    profile = Profile(CHAIN_ID, (there, elsewhere))
    error = await refusal(profile, node.address, seconds=0.5)
    assert error.code is Code.CERTIFICATE_MISMATCH
    assert "of node-2 instead of" in error.detail


@looped
async def test_a_client_without_a_profile_learns_that_tls_is_spoken(serve):
    node = serve(credential("node-1"))
    error = await refusal(None, node.address, insecure=True)
    assert error.code is Code.TLS_REQUIRED
    assert node.address in error.detail


@looped
async def test_a_client_with_a_profile_learns_that_plaintext_is_spoken(serve):
    node = serve()
    error = await refusal(trusting(node, credential("node-1").certificate))
    assert error.code is Code.TLS_MISSING
    assert node.address in error.detail


@looped
async def test_a_node_that_is_down_is_only_a_lost_connection(serve):
    node = serve()
    node.stop()
    profile = trusting(node, credential("node-1").certificate)
    with pytest.raises(LedgerError) as raised:
        async with connect(profile=profile, timeout_seconds=0.3):
            pytest.fail("it connected")
    assert raised.value.code is Code.CONNECTION_LOST


@looped
async def test_a_wrong_node_is_passed_over_while_a_right_one_answers(serve):
    own = credential("node-2")
    wrong, right = serve(credential("node-1")), serve(own)
    nodes = (
        *trusting(wrong, credential("node-1").certificate).nodes,
        *trusting(right, own.certificate).nodes,
    )
    async with connect(profile=Profile(CHAIN_ID, nodes), discover=False) as ledger:
        assert (await ledger.status()).node_id == right.name


@pytest.mark.parametrize("known", ["old", "new"])
@looped
async def test_a_node_that_changes_its_certificate_is_found_by_either(serve, known):
    shown = {"new": credential("node-1"), "old": credential("node-1")}
    node = serve(shown["new"], shown["old"])
    async with connect(profile=trusting(node, shown[known].certificate)) as ledger:
        assert ledger.chain_id == CHAIN_ID


@looped
async def test_a_client_that_knows_both_certificates_does_with_the_one_that_is_left(serve):
    old, new = credential("node-1"), credential("node-1")
    node = serve(old)
    async with connect(profile=trusting(node, old.certificate, new.certificate)) as ledger:
        assert ledger.chain_id == CHAIN_ID


@looped
async def test_what_a_node_merely_says_of_other_nodes_moves_no_trust(serve):
    one, two = credential("node-1"), credential("node-2")
    first, second = serve(one), serve(two)
    profile = trusting(first, one.certificate)
    async with connect(profile=profile, verify=False) as ledger:
        assert len((await ledger.consortium()).trusted_nodes) == 2
        assert ledger.profile == profile
        assert second.address not in ledger.addresses


@looped
async def test_a_profile_that_says_insecure_speaks_plaintext(serve):
    node = serve()
    async with connect(profile=trusting(node, insecure=True)) as ledger:
        assert ledger.chain_id == CHAIN_ID


def test_plaintext_must_be_asked_for():
    with pytest.raises(LedgerError) as raised:
        connect("127.0.0.1:1")
    assert raised.value.code is Code.BAD_REQUEST
    assert "profile" in raised.value.detail


def test_a_profile_of_another_chain_is_refused():
    profile = Profile(CHAIN_ID, (TrustedNode("a", "a:1", "a:2", (b"x",)),))
    with pytest.raises(LedgerError) as raised:
        connect(profile=profile, chain_id="ff" * 32)
    assert raised.value.code is Code.WRONG_CHAIN


def test_an_address_that_the_profile_does_not_name_is_refused():
    profile = Profile(CHAIN_ID, (TrustedNode("a", "a:1", "a:2", (b"x",)),))
    with pytest.raises(LedgerError) as raised:
        connect("b:1", profile=profile)
    assert raised.value.code is Code.BAD_REQUEST
    assert "b:1" in raised.value.detail


@looped
async def test_bytes_that_are_no_certificate_are_never_taken_for_trust(serve):
    node = serve(credential("node-1"))
    error = await refusal(trusting(node, b"nonsense"))
    assert error.code is Code.BAD_CERTIFICATE
