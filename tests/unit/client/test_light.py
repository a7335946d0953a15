"""A client that has seen a head goes on from it, in its next process too, and never back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.unit.client.looped import looped
from tests.unit.client.proving_node import ProvingNode
from tests.unit.ledger.refusals import refused
from tests.unit.proofs.test_light import grown, head, other_since
from tests.unit.proofs.world import World
from twinledger.client import Code, Profile, TrustedNode, connect
from twinledger.client import head_file as head_file_module
from twinledger.client import light as light_module
from twinledger.client import operations as op
from twinledger.client.atomic_file import replace_file
from twinledger.client.head_file import HeadFile
from twinledger.client.proofs import TrustedHead
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.names import TwinId
from twinledger.proofs.bundle import encode_claim
from twinledger.proofs.light import follow
from twinledger.v1 import ledger_service_pb2 as pb

Serve = Callable[..., ProvingNode]
SIZE = 10


@pytest.fixture(autouse=True)
def _no_head_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read asks for the head."""
    monkeypatch.setattr(light_module, "FRESH_SECONDS", 0.0)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts nodes of one consortium that prove what `grown` holds."""
    made: list[ProvingNode] = []

    def start() -> ProvingNode:
        made.append(ProvingNode(grown(), made[0].ledger if made else None))
        return made[-1]

    yield start
    for node in made:
        node.stop()


def profile_of(folder: Path, *nodes: ProvingNode) -> Path:
    trusted = tuple(TrustedNode(each.name, each.address, "127.0.0.1:1", ()) for each in nodes)
    path = folder / "profile.toml"
    Profile(grown().genesis.chain_id, trusted, insecure=True).save(path)
    return path


def heads_of(world: World, size: int, since: int | None) -> Callable[[pb.ProveRequest], object]:
    """Says that the newest head is one of another size or world; `since` None: from genesis."""

    def lie(request: pb.ProveRequest) -> pb.ProveResponse | None:
        if not request.HasField("head"):
            return None
        return pb.ProveResponse(bundle=head(world, size, since=since or 0))

    return lie


OLDER = heads_of(grown(), 8, since=None)
OTHER = heads_of(other_since(8, 4), 12, since=SIZE)


@pytest.mark.parametrize(
    ("lie", "code"), [(OLDER, Code.HEAD_ROLLED_BACK), (OTHER, Code.HEAD_CONFLICT)]
)
@looped
async def test_a_client_that_has_seen_a_head_is_not_led_back_or_astray(serve, lie, code) -> None:
    node, honest = serve(), serve()
    async with connect([node.address, honest.address], insecure=True) as ledger:
        assert (await ledger.twins.get("tank-1")).height == SIZE - 1
        node.lie = lie
        with refused(code, node.address):
            await ledger.twins.get("tank-1")
        # The node that said it is left, and the truth is still known.
        assert (await ledger.twins.get("tank-1")).height == SIZE - 1


@pytest.mark.parametrize(
    ("lie", "code"), [(OLDER, Code.HEAD_ROLLED_BACK), (OTHER, Code.HEAD_CONFLICT)]
)
@looped
async def test_the_next_process_is_not_led_back_or_astray_either(
    serve, tmp_path, lie, code
) -> None:
    node = serve()
    path = profile_of(tmp_path, node)
    async with connect(profile=path) as ledger:
        await ledger.twins.get("tank-1")
    assert TrustedHead.load(f"{path}.head").size == SIZE
    node.lie = lie
    async with connect(profile=path) as ledger:
        with refused(code, node.address):
            await ledger.twins.get("tank-1")
    assert TrustedHead.load(f"{path}.head").size == SIZE


@looped
async def test_a_process_without_the_file_would_be_led_back(serve, tmp_path) -> None:
    node = serve()
    node.world = other_since(8, 0)
    async with connect(profile=profile_of(tmp_path, node)) as ledger:
        assert (await ledger.head()).height == 7


@looped
async def test_a_node_that_is_behind_is_left_for_one_that_is_not(serve) -> None:
    behind, other = serve(), serve()
    async with connect([behind.address, other.address], insecure=True) as ledger:
        await ledger.twins.get("tank-1")
        behind.world = other_since(8, 0)
        assert (await ledger.twins.get("tank-1")).height == SIZE - 1
    assert len(behind.asked) == 3
    assert len(other.asked) == 2


@looped
async def test_a_head_from_before_the_own_write_is_not_read_under(serve, identity) -> None:
    before, after = serve(), serve()
    before.world = other_since(1, 0)
    addresses = [before.address, after.address]
    async with connect(addresses, insecure=True, identity=identity) as ledger:
        assert (await ledger.head()).height == 0
        assert (await ledger.submit(op.create_twin("pump-8"))).height == 1
        assert (await ledger.twins.get("tank-1")).height == SIZE - 1


@pytest.mark.parametrize("moves", [True, False])
@looped
async def test_a_head_that_the_ledger_left_behind_meanwhile_is_asked_for_anew(serve, moves) -> None:
    """Its state is kept no more; only where there is no newer head it is gone for good."""
    node = serve()
    node.world = other_since(8, 0)

    def overtaken(request: pb.ProveRequest) -> pb.ProveResponse | None:
        if request.under_size != 8:
            return None
        node.world = grown() if moves else node.world
        raise LedgerError(Code.PRUNED, "the oldest height it keeps is 8")

    async with connect(node.address, insecure=True) as ledger:
        node.lie = overtaken
        if moves:
            assert (await ledger.twins.get("tank-1")).height == SIZE - 1
        else:
            with refused(Code.PRUNED):
                await ledger.twins.get("tank-1")


def replayed(claim: bytes) -> Callable[[pb.ProveRequest], pb.ProveResponse | None]:
    return lambda request: pb.ProveResponse(claim=claim) if request.HasField("twin") else None


@pytest.mark.parametrize(
    ("size", "code"), [(8, Code.PROOF_INCLUSION), (SIZE, Code.HEAD_ROLLED_BACK)]
)
@looped
async def test_an_old_answer_is_never_taken_for_a_fresh_one(serve, size, code) -> None:
    """Replayed as it was proven then, and proven anew under the newest head."""
    node = serve()
    async with connect(node.address, insecure=True) as ledger:
        old = grown().builder(size).twin_claim(TwinId("tank-1"), 7)
        node.lie = replayed(encode_claim(old))
        with refused(code):
            await ledger.twins.get("tank-1")


@looped
async def test_a_client_asks_from_the_head_where_the_last_process_stood(serve, tmp_path) -> None:
    node = serve()
    path = profile_of(tmp_path, node)
    HeadFile.beside(path).keep(*proof(6))
    async with connect(profile=path) as ledger:
        await ledger.twins.get("tank-1")
    assert node.asked[0].trusted_size == 6
    assert TrustedHead.load(f"{path}.head").size == SIZE


@looped
async def test_a_head_that_could_not_be_kept_is_kept_later(serve, tmp_path, monkeypatch) -> None:
    path = profile_of(tmp_path, serve())
    async with connect(profile=path) as ledger:
        with monkeypatch.context() as full:
            full.setattr(head_file_module, "replace_file", _disk_full)
            with refused(Code.CONFIG_INVALID, "No space left"):
                await ledger.twins.get("tank-1")
        assert (await ledger.twins.get("tank-1")).height == SIZE - 1
    assert TrustedHead.load(f"{path}.head").size == SIZE


@looped
async def test_a_head_that_cannot_be_kept_at_the_end_hides_nothing_that_was_done(
    serve, tmp_path, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(head_file_module, "replace_file", _disk_full)
    async with connect(profile=profile_of(tmp_path, serve())) as ledger:
        with refused(Code.CONFIG_INVALID, "No space left"):
            await ledger.twins.get("tank-1")
    assert "the newest head was not kept" in caplog.text


def _disk_full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def proof(size: int):
    raw = head(grown(), size)
    return raw, follow(raw, grown().genesis.chain_id, None)


def test_the_file_keeps_the_newer_head_whoever_writes_last(tmp_path: Path) -> None:
    file = HeadFile(tmp_path / "profile.head")
    assert file.load(grown().genesis.chain_id) is None
    for size, kept in ((4, 4), (9, 9), (7, 9), (9, 9), (SIZE, SIZE)):
        file.keep(*proof(size))
        found = file.load(grown().genesis.chain_id)
        assert found is not None
        assert found.size == kept


def test_of_two_who_write_at_once_the_newer_head_is_kept(tmp_path: Path, monkeypatch) -> None:
    """The older one has compared with what is there, and not written yet, when the newer comes."""
    file = HeadFile(tmp_path / "profile.head")
    newer = Thread(target=file.keep, args=proof(9))

    def meanwhile(path: Path, raw: bytes) -> None:
        if newer.ident is None:
            newer.start()
            newer.join(0.5)  # it is done by then, unless it has to wait
        replace_file(path, raw)

    monkeypatch.setattr(head_file_module, "replace_file", meanwhile)
    file.keep(*proof(4))
    newer.join()
    found = file.load(grown().genesis.chain_id)
    assert found is not None
    assert found.size == 9


def test_a_write_that_is_cut_short_leaves_the_old_file_whole(tmp_path, monkeypatch) -> None:
    file = HeadFile(tmp_path / "profile.head")
    file.keep(*proof(4))
    before = file.path.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr("twinledger.client.atomic_file.os.fsync", _disk_full)
        with refused(Code.CONFIG_INVALID, "No space left"):
            file.keep(*proof(9))
    assert file.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file.path]


def test_a_file_that_is_damaged_or_of_another_chain_is_refused_and_not_overwritten(tmp_path):
    file, chain_id = HeadFile(tmp_path / "profile.head"), grown().genesis.chain_id
    raw, standing = proof(9)
    with refused(Code.WRONG_CHAIN):
        file.keep(raw, standing)
        file.load(bytes(32))
    for damaged in (b"", raw[:-1], raw[:400] + bytes([raw[400] ^ 1]) + raw[401:]):
        file.path.write_bytes(damaged)
        with refused(Code.CONFIG_INVALID, str(file.path)):
            file.load(chain_id)
        with refused(Code.CONFIG_INVALID):
            file.keep(raw, standing)
        assert file.path.read_bytes() == damaged
