"""The worked cases of docs/formats are those of the code, and this says how they are written."""

import json
from pathlib import Path

from tests.unit.execution.vectors import vectors

FILE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "vectors.json"


def test_the_vectors_are_up_to_date():
    text = FILE.read_text(encoding="ascii")
    assert text == json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n", (
        "write them again: python -m tests.unit.execution.vectors > docs/formats/vectors.json;"
        " but what is hashed or signed must not change once a chain exists"
    )
