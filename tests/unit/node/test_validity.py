"""The warnings before a certificate's time is over."""

import logging

import pytest

from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.node.validity import ValidityWatch, warning

DAY_US = 86_400_000_000
END_US = 1_000 * DAY_US


def record(*ends_us: int) -> Node:
    certificates = tuple(NodeCertificate(b"", end) for end in ends_us)
    return Node(NodeId("a-1"), "a:1", "a:2", True, b"", b"", certificates)


@pytest.mark.parametrize(
    ("days_before", "said"),
    [
        (31, ""),
        (30, "counts for 30 more days"),
        (8, "counts for 8 more days"),
        (1, "counts for 1 more day"),
        (0, "does not count any more"),
        (-9, "does not count any more"),
    ],
)
def test_a_certificate_is_warned_about_from_thirty_days_on(days_before, said):
    told = warning(record(END_US), END_US - days_before * DAY_US)
    assert told.startswith(f"The certificate of a-1 {said}.") if said else told == ""


def test_only_the_newest_certificate_counts():
    assert warning(record(1, END_US), END_US - 31 * DAY_US) == ""


def test_each_level_is_logged_once(caplog):
    caplog.set_level(logging.WARNING)
    watch, node = ValidityWatch(), record(END_US)
    for hour in range(40 * 24):
        watch.look(node, END_US - 35 * DAY_US + hour * (DAY_US // 24))
    told = [entry.__dict__["days"] for entry in caplog.records]
    assert told == [30, 7, 1, 0]


def test_a_renewed_certificate_is_warned_about_anew(caplog):
    caplog.set_level(logging.WARNING)
    watch = ValidityWatch()
    watch.look(record(END_US), END_US - DAY_US)
    watch.look(record(END_US, END_US + 100 * DAY_US), END_US - DAY_US)
    watch.look(record(END_US + 2 * DAY_US), END_US + DAY_US)
    assert [entry.__dict__["days"] for entry in caplog.records] == [1, 1]


def test_a_node_without_a_record_is_not_warned_about(caplog):
    ValidityWatch().look(None, END_US)
    assert not caplog.records
