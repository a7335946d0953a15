"""How a node is, as Prometheus reads it."""

from collections.abc import Iterable
from typing import Final

from twinledger.client import NodeRole, NodeStatus

_METRICS: Final = {
    "height": "The last height in the log.",
    "applied_height": "The last executed height.",
    "certified_height": "The height of the newest certificate.",
    "pool_transactions": "Transactions that wait here.",
    "disk_free_bytes": "Free space where the data lies.",
    "evidence_count": "Witnesses that are convicted of signing two histories.",
}


def metrics_text(status: NodeStatus) -> str:
    """How a node is, in Prometheus's text format: gauges of this node, ready to be scraped."""
    lines = list[str]()

    def gauge(name: str, said: str, values: Iterable[tuple[str, int]]) -> None:
        lines.extend([f"# HELP twinledger_{name} {said}", f"# TYPE twinledger_{name} gauge"])
        lines.extend(f"twinledger_{name}{{{labels}}} {value}" for labels, value in values)

    own = f'node="{status.node_id}"'
    for name, said in _METRICS.items():
        value = getattr(status, name)
        gauge(name, said, [] if value is None else [(own, value)])
    gauge("leads", "Whether this node orders.", [(own, int(status.role is NodeRole.LEADER))])
    gauge("warnings", "What the operator should know now.", [(own, len(status.warnings))])
    gauge(
        "certificate_days_left",
        "Days for which a node's newest certificate still counts.",
        [(f'node="{node}"', days) for node, days in status.certificate_days_left.items()],
    )
    return "\n".join(lines) + "\n"
