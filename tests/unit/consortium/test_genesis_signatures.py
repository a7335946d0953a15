"""Who signed a genesis file: everybody, each once, and these very bytes."""

import pytest

from tests.unit.execution.chain import MAKER, UTILITY, member, signer, two_members
from tests.unit.ledger.refusals import refused
from twinledger.consortium import genesis_draft
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.rules import Rules
from twinledger.consortium.signed_file import SignedFile
from twinledger.ledger.errors import Code
from twinledger.ledger.keys import SigningKey, verify
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer

UNSIGNED = Genesis.parse(two_members().body)


def test_every_founder_signs_the_chain_id_in_its_own_domain():
    signed = two_members()
    assert [line.name for line in signed.signatures] == ["maker/admin", "utility/admin"]
    message = b"twinledger/v1/sign-genesis\0" + signed.chain_id
    for line, key in zip(signed.signatures, (MAKER, UTILITY), strict=True):
        verify(key.key.public_key, message, line.signature)
    signed.require_signed()


def test_the_order_of_signing_does_not_matter():
    assert UNSIGNED.signed_by(UTILITY).signed_by(MAKER) == UNSIGNED.signed_by(MAKER).signed_by(
        UTILITY
    )


def test_a_missing_signature_is_named():
    half = UNSIGNED.signed_by(UTILITY)
    assert half.unsigned == ("maker",)
    with refused(Code.GENESIS_NOT_SIGNED, "maker"):
        half.require_signed()
    with refused(Code.GENESIS_NOT_SIGNED, "maker, utility"):
        UNSIGNED.require_signed()


def test_nobody_signs_twice():
    with refused(Code.GENESIS_SIGNED_TWICE, "utility/admin"):
        UNSIGNED.signed_by(UTILITY).signed_by(UTILITY)
    line = two_members().signatures[1].encode()
    with refused(Code.GENESIS_SIGNED_TWICE, "utility/admin"):
        Genesis.parse(two_members().raw + line)


def test_nobody_else_signs():
    with refused(Code.GENESIS_UNKNOWN_SIGNER, "other/admin"):
        UNSIGNED.signed_by(signer("other/admin"))


def test_a_key_that_is_not_the_admins_is_refused():
    other = Signer(IdentityName("maker/admin"), SigningKey.generate())
    with refused(Code.GENESIS_ALTERED, "maker/admin"):
        UNSIGNED.signed_by(other)


def test_a_body_that_was_altered_after_signing_is_refused():
    raw = two_members().raw
    with refused(Code.GENESIS_ALTERED):
        Genesis.parse(raw.replace(b'"two members"', b'"few members"'))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b"\n\n", b"\n\n\n"),
        lambda raw: raw + b"# a note\n",
        lambda raw: raw.replace(b"\xe2\x80\x94 ", b"- "),
        lambda raw: raw.replace(b"maker/admin ", b"maker/admin  "),
        lambda raw: raw[: raw.index(b"\n\n") + 2],
        lambda raw: b"\n".join([*raw.split(b"\n")[:-3], *raw.split(b"\n")[-3:-1][::-1], b""]),
        lambda raw: raw.replace(b"==\n", b"\n"),
    ],
)
def test_what_is_not_of_the_form_is_refused(spoil):
    with refused(Code.GENESIS_INVALID):
        Genesis.parse(spoil(two_members().raw))


def join(name: str, port: int) -> JoinFile:
    """A join file as if it had been read; its own signatures are another test's."""
    return JoinFile(b"", member(name, port))


def test_a_file_grows_by_join_files_until_somebody_signs():
    raw = genesis_draft.begin("n", 5, Limits(max_operations=7), Rules(remove_member_percent=66))
    for name, port in (("utility", 7000), ("maker", 7100)):
        raw = genesis_draft.add(raw, join(name, port))
    found = Genesis.parse(raw)
    assert found.members == two_members().members
    assert (found.name, found.time_us, found.limits.max_operations) == ("n", 5, 7)
    assert found.consortium.rules.remove_member_percent == 66
    with refused(Code.GENESIS_SEALED, "utility/admin"):
        genesis_draft.add(found.signed_by(UTILITY).raw, join("third", 7200))


def test_a_draft_takes_nobody_twice_and_no_bad_name():
    raw = genesis_draft.add(genesis_draft.begin("n", 5), join("maker", 7100))
    with refused(Code.GENESIS_DOUBLED, "maker"):
        genesis_draft.add(raw, join("maker", 7200))
    with refused(Code.GENESIS_INVALID, "name is not"):
        genesis_draft.begin("", 5)


def test_a_signed_file_comes_back_byte_for_byte():
    raw = two_members().raw
    assert SignedFile.parse(raw, Code.GENESIS_INVALID).encode() == raw
    assert SignedFile.parse(UNSIGNED.raw, Code.GENESIS_INVALID).encode() == UNSIGNED.body
