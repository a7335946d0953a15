"""What the front page promises is there, and its example is real code."""

import ast
import re
from pathlib import Path

import pytest

from twinledger import client
from twinledger.client.twins import Twins

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_front_page_leads_to_every_part_of_the_documents() -> None:
    linked = {link.split("/")[1] for link in LINK.findall((ROOT / "README.md").read_text())}
    assert {page.name for page in (ROOT / "docs").iterdir()} <= linked


def test_the_index_of_operations_leads_to_every_page() -> None:
    operations = ROOT / "docs" / "operations"
    linked = set(LINK.findall((operations / "README.md").read_text()))
    pages = {page.name for page in operations.glob("*.md")} - {"README.md"}
    assert pages <= linked


def test_the_python_example_names_what_the_sdk_has() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    tree = ast.parse(example)
    imported = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "twinledger.client"
        for alias in node.names
    ]
    assert imported
    assert set(imported) <= set(client.__all__)
    called = re.findall(r"ledger\.twins\.(\w+)\(", example)
    assert len(called) >= 3
    assert all(hasattr(Twins, name) for name in called)
