"""Writes docs/formats/bundles.json: valid bundles of every kind, for other implementations.

python -m tests.unit.proofs.bundles > docs/formats/bundles.json
"""

import base64
import json
import sys
from typing import Any

from tests.unit.proofs.cases import cases, world


def bundles() -> dict[str, Any]:
    """The chain, the head that some begin at, and every bundle with what it begins at."""
    head = next(case.head for case in cases() if case.head)
    return {
        "chain_id": world().genesis.chain_id.hex(),
        "trusted_head": base64.b64encode(head).decode(),
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


def text() -> str:
    return json.dumps(bundles(), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
