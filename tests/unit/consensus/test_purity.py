"""The core draws nothing from the outside: not the time, not chance, not the network."""

import ast
from pathlib import Path

from twinledger import consensus

PURE = {
    "bisect",
    "collections",
    "collections.abc",
    "dataclasses",
    "enum",
    "hashlib",
    "itertools",
    "struct",
    "types",
    "typing",
}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_only_the_pure_parts_of_the_standard_library_are_imported() -> None:
    files = sorted(Path(consensus.__path__[0]).glob("*.py"))
    assert len(files) > 20
    outside = {
        (path.name, name)
        for path in files
        for name in imports(path)
        if name not in PURE and not name.startswith("twinledger.consensus")
    }
    assert outside == set()


def test_no_statement_is_an_assert() -> None:
    """Python drops them under -O; invariants stay."""
    for path in sorted(Path(consensus.__path__[0]).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree)), path.name
