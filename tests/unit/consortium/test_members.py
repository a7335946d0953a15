"""The consortium's leaf."""

from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

import pytest

from tests.unit.execution.chain import START_US, member, two_members
from tests.unit.ledger.refusals import refused
from twinledger.consortium.members import Consortium, consortium_hash
from twinledger.consortium.rules import DEFAULT_RULES
from twinledger.ledger.canonical import decode, encode
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.names import MemberName

CONSORTIUM = two_members().consortium
LEAF: Any = decode(CONSORTIUM.encode())


def test_the_leaf_is_the_map_of_the_page():
    assert sorted(LEAF) == ["epoch", "limits", "members", "name", "rules", "set_number"]
    assert (LEAF["epoch"], LEAF["set_number"]) == (0, 0)
    assert LEAF["rules"] == asdict(DEFAULT_RULES)
    assert LEAF["limits"]["max_lifetime_us"] == DEFAULT_LIMITS.max_lifetime_us
    assert len(LEAF["limits"]) == 12
    maker = LEAF["members"]["maker"]
    assert maker["admins"] == {"admin": member("maker", 7100).admins[0].public_key}
    (node,) = member("maker", 7100).nodes
    assert maker["nodes"] == {
        "maker-1": {
            "peer_address": "127.0.0.1:7100",
            "client_address": "127.0.0.1:7101",
            "voter": True,
            "witness_key": node.witness_key,
            "log_key": node.log_key,
            "certificates": [
                {"der": b"certificate of maker-1", "valid_until_us": 2 * START_US},
            ],
            "disqualified": False,
        }
    }


def test_the_leaf_comes_back():
    assert Consortium.decode(CONSORTIUM.encode()) == CONSORTIUM


def test_a_member_is_found_by_its_name():
    assert CONSORTIUM.member(MemberName("maker")) == member("maker", 7100)
    assert CONSORTIUM.member(MemberName("nobody")) is None


def test_one_member_is_replaced_and_the_others_stay():
    changed = replace(member("maker", 7100), admins=())
    after = CONSORTIUM.with_member(changed)
    assert after.members == (changed, member("utility", 7000))


def test_the_hash_is_of_the_leaf_in_its_domain():
    raw = CONSORTIUM.encode()
    assert consortium_hash(raw) == sha256(b"twinledger/v1/consortium\0" + raw).digest()


def broken(**changes: Any) -> bytes:
    return encode({**LEAF, **changes})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        encode(None),
        broken(name=1),
        broken(limits={}),
        broken(limits={**LEAF["limits"], "max_fun": 1}),
        broken(limits={**LEAF["limits"], "max_authors": "8"}),
        broken(members={"maker": None}),
        broken(more=1),
        broken(epoch="0"),
        broken(rules={}),
        broken(rules={**LEAF["rules"], "fun": "x"}),
        broken(members={"maker": {"admins": {"admin": "text"}, "nodes": {}}}),
        broken(members={"maker": {"admins": {}, "nodes": {"n": {"voter": True}}}}),
    ],
)
def test_a_leaf_that_is_not_well_formed_is_damage(raw: bytes):
    with refused(Code.DATA_DAMAGED):
        Consortium.decode(raw)
