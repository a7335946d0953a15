"""What an operator should know about heads now."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

from twinledger.consortium.members import Consortium
from twinledger.consortium.nodes import witness_name
from twinledger.node.heads import Heads

LAG_S: Final = 5.0
"""How long certification may stand still below the executed height before it is told."""


def warnings(heads: Heads, consortium: Consortium) -> Iterator[str]:
    """Yield what is wrong, a sentence each.

    Args:
        heads: Of this node.
        consortium: After the newest executed block.
    """
    if not heads.signs:
        yield _why_silent(heads, consortium)
    yield from _liars(heads, consortium)
    for name in heads.keeper.suspicions.suspect_names:
        yield f"The witness {name} signed another history than this node's: one was misled."
    since = heads.behind_since_s
    if since is not None and time.monotonic() - since > LAG_S:
        yield _why_waiting(heads, consortium)


def _liars(heads: Heads, consortium: Consortium) -> Iterator[str]:
    """Name the keys that signed two histories and that the ledger still has as a witness's."""
    convicted = heads.keeper.suspicions.evidence
    for member, node in consortium.nodes:
        name = witness_name(member, node.node_id)
        if node.disqualified:
            yield (
                f"The key of the witness {name} is disqualified, it signed two histories: "
                f"{member} cosigns nothing until it registers another witness key."
            )
        elif node.witness_key in convicted:
            yield (
                f"The witness {name} signed two histories. Its key counts until somebody runs "
                f"`twinledger consortium evidence submit {name}`."
            )


def disqualified(consortium: Consortium) -> Iterable[str]:
    """Name the witnesses whose keys count no more."""
    return [witness_name(m, node.node_id) for m, node in consortium.nodes if node.disqualified]


def _why_silent(heads: Heads, consortium: Consortium) -> str:
    if heads.mark is None:
        return "This node signs no heads: its folder has no head.mark (restored, or deleted)."
    if heads.name in disqualified(consortium):
        return "This node signs no heads: its witness key is disqualified."
    if not heads.has_own_mark:
        return "This node signs no heads: its folder belongs to another witness key or ledger."
    return f"This node signs no heads: the ledger has no witness {heads.name} with its key."


def _why_waiting(heads: Heads, consortium: Consortium) -> str:
    gathering = heads.keeper.gathering
    silent = ", ".join(gathering.silent()) or "nobody"
    out = ", ".join(disqualified(consortium))
    return (
        f"Certification waits: height {heads.keeper.own.size - 1} is executed, "
        f"{max(gathering.size - 1, 0)} is certified. {gathering.witnesses.quorum} of "
        f"{len(gathering.witnesses.witnesses)} members must sign; silent: {silent}"
        + (f"; disqualified: {out}." if out else ".")
    )
