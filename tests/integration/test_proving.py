"""A real node proves what it holds, and refuses by name what is not so or not kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner

from tests.integration.single_node import SingleNode
from tests.unit.ledger.refusals import refused
from twinledger.cli.verbs import root
from twinledger.client import (
    Code,
    Identity,
    Ledger,
    LedgerError,
    Profile,
    Question,
    connect,
    proofs,
)
from twinledger.client import operations as op
from twinledger.proofs.bundle import Bundle
from twinledger.proofs.verify import verify


def with_ledger(node: SingleNode, work: Callable[[Ledger], Awaitable[None]]) -> None:
    identity = Identity(node.admin.identity, node.key)
    profile = Profile.of_genesis(node.genesis)

    async def connected() -> None:
        async with connect(profile=profile, identity=identity) as ledger:
            await work(ledger)

    asyncio.run(connected())


async def filled(ledger: Ledger) -> tuple[int, int]:
    """Two twins with a few updates; the heights of the last update and of a later block."""
    created = [
        op.create_twin("tank-1"),
        op.create_twin("pump-7", op.changes_of({"flow": 1.0, "label": "P7"})),
        op.relate("pump-7", "feeds", "tank-1"),
    ]
    await ledger.submit(*created)
    for flow in range(5):
        last = await ledger.twins.update("pump-7", set={"flow": float(flow)})
    later = await ledger.submit(op.create_twin("later"), certified=True)
    return last.height, later.height


def test_a_node_proves_every_kind_of_claim_from_genesis_and_from_a_head(tmp_path):
    async def work(ledger: Ledger) -> None:
        last, later = await filled(ledger)
        head = await ledger.prove(proofs.head())
        receipt = await ledger.submit(op.create_twin("newest"), certified=True)
        questions: list[Question] = [
            proofs.head(),
            proofs.twin("pump-7"),
            proofs.twin("pump-7", at=last),
            proofs.twin_property("pump-7", "reported/flow", at=last - 1),
            proofs.twin_property("pump-7", "desired/flow"),
            proofs.absent("pump-8"),
            proofs.absent("newest", at=later),
            proofs.history("pump-7"),
            proofs.history("pump-7", at=last - 2),
            proofs.silence("pump-7", last, later),
            proofs.transaction(receipt.transaction_id),
        ]
        for question in questions:
            for trusted in (None, head.trusted_head):
                proof = await ledger.prove(question, trusted=trusted)
                standing = trusted.standing if trusted else None
                assert verify(proof.raw, ledger.chain_id, standing) == proof.proven
        passport = await ledger.prove(proofs.history("pump-7"))
        updates = passport.proven.told.facts["updates"]
        assert [each["version"] for each in updates] == list(range(1, 8))
        assert not any(each["pruned"] for each in updates)

    with SingleNode(tmp_path) as node:
        with_ledger(node, work)


def test_a_node_says_by_name_what_it_cannot_prove(tmp_path):
    async def work(ledger: Ledger) -> None:
        last, later = await filled(ledger)
        refusals = {
            Code.TWIN_NOT_FOUND: proofs.twin("pump-8"),
            Code.TWIN_EXISTS: proofs.absent("pump-7"),
            Code.PROOF_SILENCE: proofs.silence("pump-7", last - 1, later),
            Code.BAD_REQUEST: proofs.silence("pump-7", later, later),
            Code.TRANSACTION_NOT_FOUND: proofs.transaction(bytes(32)),
            Code.BAD_TWIN_ID: proofs.twin("no id"),
        }
        for code, question in refusals.items():
            with refused(code):
                await ledger.prove(question)
        with refused(Code.HEIGHT_NOT_REACHED):
            await ledger.prove(proofs.twin("pump-7", at=1_000), timeout_seconds=3)

    with SingleNode(tmp_path) as node:
        with_ledger(node, work)


def test_an_answer_to_another_question_is_refused(tmp_path):
    async def work(ledger: Ledger) -> None:
        _, later = await filled(ledger)
        raw = (await ledger.prove(proofs.twin("pump-7"))).raw
        assert Bundle.decode(raw).claim.kind == "twin"
        others = [proofs.twin("tank-1"), proofs.twin("pump-7", at=later - 1), proofs.head()]
        for question in others:
            with pytest.raises(LedgerError) as caught:
                proofs.verified(raw, question, ledger.chain_id, None)
            assert caught.value.code is Code.PROOF_INVALID

    with SingleNode(tmp_path) as node:
        with_ledger(node, work)


def test_the_command_line_submits_proves_and_verifies(tmp_path):
    with SingleNode(tmp_path) as node:
        Identity(node.admin.identity, node.key).save(tmp_path / "admin.key")
        profile = replace(Profile.of_genesis(node.genesis), key=tmp_path / "admin.key")
        profile.save(tmp_path / "profile.toml")
        for arguments, text in (
            ("tx submit - --receipt", '{"operation": "create", "twin": "pump-7"}'),
            ("twin prove pump-7 --history --out", ""),
            ("twin prove pump-8 --absent --out", ""),
        ):
            out = tmp_path / "a.proof"
            words = [*arguments.split(), str(out), "--profile", str(tmp_path / "profile.toml")]
            done = CliRunner().invoke(root, words, input=text)
            assert done.exit_code == 0, done.output
            chain_id = node.genesis.chain_id.hex()
            checked = CliRunner().invoke(root, ["verify", str(out), "--chain-id", chain_id])
            assert checked.exit_code == 0, checked.output
