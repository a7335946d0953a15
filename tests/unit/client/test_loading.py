"""What is loaded at a start is paid for at every start: the SDK's names come when asked for."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import twinledger.client


def loaded_by(statement: str) -> set[str]:
    """Every module that a fresh interpreter has loaded after a statement."""
    program = f"import sys; sys.path[:0] = {sys.path!r}; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.split())


def imports_that_type_checkers_see() -> list[tuple[str, str]]:
    """Module and name of everything that the package's first file imports from its own modules."""
    tree = ast.parse(Path(twinledger.client.__file__).read_text(encoding="utf-8"))
    found = [
        (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return [(module, name) for module, name in found if module.startswith("twinledger.")]


def test_every_public_name_is_what_type_checkers_take_it_for():
    seen = imports_that_type_checkers_see()
    assert sorted(name for _, name in seen) == sorted(twinledger.client.__all__)
    for module, name in seen:
        home = import_module(module)
        there = getattr(home, name, None) or import_module(f"{module}.{name}")
        assert getattr(twinledger.client, name) is there


def test_a_name_that_is_not_there_is_an_attribute_error():
    misspelt = "Recipt"
    with pytest.raises(AttributeError, match="no attribute 'Recipt'"):
        getattr(twinledger.client, misspelt)


def test_an_identity_is_had_without_grpc():
    loaded = loaded_by("from twinledger.client import Identity")
    assert "twinledger.client.identity" in loaded
    assert "grpc" not in loaded


def test_a_node_loads_no_client():
    loaded = loaded_by("import twinledger.node.main")
    assert "twinledger.node.running" in loaded
    assert not loaded & {"twinledger.client.ledger", "twinledger.client.session", "rich"}
