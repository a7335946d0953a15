"""Published Ed25519 cases with the verdicts of libsodium written down.

Wycheproof says for each case whether it is valid. Speccheck (Chalkias, Garillot, Nikolaenko,
"Taming the many EdDSAs", 2020) has twelve cases that libraries disagree on; its table gives
libsodium's verdicts, and ours must be the same, or nodes would disagree on what is signed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import verify

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "ed25519"

# By the number of the case: 0 to 2 have small-order points, 3 mixes orders and verifies under both
# equations, 4 and 5 only under the cofactored one, 6 and 7 have S out of range, 8 to 11 have points
# that are not canonical or small.
LIBSODIUM_TAKES = [
    False,
    False,
    False,
    True,
    False,
    False,
    False,
    False,
    False,
    False,
    False,
    False,
]


def read(name: str) -> Any:
    path = VECTORS / name
    if not path.is_file():
        pytest.skip(f"the published Ed25519 cases are not here: shared/vectors/ed25519/{name}")
    return json.loads(path.read_text(encoding="utf-8"))


def takes(public_key: str, message: str, signature: str) -> bool:
    try:
        verify(bytes.fromhex(public_key), bytes.fromhex(message), bytes.fromhex(signature))
    except LedgerError as error:
        if error.code is not Code.BAD_SIGNATURE:
            raise
        return False
    return True


def test_the_cases_that_libraries_disagree_on_have_libsodiums_verdicts():
    cases = read("speccheck.json")
    verdicts = [takes(case["pub_key"], case["message"], case["signature"]) for case in cases]
    assert verdicts == LIBSODIUM_TAKES


def test_every_wycheproof_case_has_its_verdict():
    groups = read("wycheproof.json")["testGroups"]
    wrong = [
        test["tcId"]
        for group in groups
        for test in group["tests"]
        if takes(group["publicKey"]["pk"], test["msg"], test["sig"]) != (test["result"] == "valid")
    ]
    assert wrong == []
    assert sum(len(group["tests"]) for group in groups) == 151
