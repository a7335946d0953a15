"""Wrong edits of the code under test, by its own text: no mutant outlives its target."""

import inspect
import textwrap
from typing import Any

import pytest

from twinledger.consensus.stepping import HANDLERS


def edit(patch: pytest.MonkeyPatch, owner: Any, name: str, old: str, new: str) -> None:
    """Replace `old`, which must stand exactly once in the function, and put the result in place."""
    function = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{name} no longer says {old!r} once"
    scope: dict[str, Any] = {}
    code = compile(source.replace(old, new), function.__code__.co_filename, "exec")
    exec(code, function.__globals__, scope)
    patch.setattr(owner, name, scope[name])
    for kind, handler in HANDLERS.items():
        if handler is function:
            patch.setitem(HANDLERS, kind, scope[name])
