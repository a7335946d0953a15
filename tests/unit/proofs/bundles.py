"""Writes docs/formats/bundles.json: valid bundles of every kind, for other implementations.

python -m tests.unit.proofs.bundles > docs/formats/bundles.json
"""

import base64
import json
import sys
from typing import Any

from tests.unit.proofs.cases import cases, recovered_world, world
from twinledger.consensus import Configuration
from twinledger.consortium.governed import CONFIGURATION_KEY
from twinledger.consortium.members import CONSORTIUM_KEY
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.opening import configuration_of
from twinledger.ledger.canonical import decode
from twinledger.proofs.bundle import Bundle, ShownRecovery


def bundles() -> dict[str, Any]:
    """The chain, the head that some begin at, and every bundle with what it begins at."""
    head = next(case.head for case in cases() if case.head)
    return {
        "chain_id": world().genesis.chain_id.hex(),
        "trusted_head": base64.b64encode(head).decode(),
        "recovery": recovery(),
        "bundles": [
            {
                "name": case.name,
                "anchor": "trusted_head" if case.trusted else "chain_id",
                "file": base64.b64encode(case.raw).decode(),
            }
            for case in cases()
            if not case.trusted or case.name == "twin from a head"
        ],
    }


def recovery() -> dict[str, Any]:
    """The recovery file of the bundles that lead through one, and what comes of it."""
    found = recovered_world()
    (file,) = [
        each.recovery
        for each in Bundle.decode(found.builder().bundle(found.builder().head_claim())).changes
        if isinstance(each, ShownRecovery)
    ]
    read = RecoveryFile.parse(file)
    height = read.fork.height
    before = decode(found.states[height][CONFIGURATION_KEY])
    assert isinstance(before, bytes)
    target = configuration_of(Configuration.decode(before), read)
    return {
        "file": base64.b64encode(file).decode(),
        "id": read.id.hex(),
        "consortium_before": found.states[height][CONSORTIUM_KEY].hex(),
        "consortium_after": found.states[height + 1][CONSORTIUM_KEY].hex(),
        "configuration_before": before.hex(),
        "entry_payload": target.encode().hex(),
        "state_key": "recovery/0000000001",
        "header": found.blocks[height + 1].header_bytes.hex(),
    }


def text() -> str:
    return json.dumps(bundles(), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
