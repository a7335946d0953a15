"""A node's state in Prometheus's text format."""

import re

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode
from twinledger.cli.metrics import metrics_text
from twinledger.client import NodeStatus
from twinledger.v1 import operator_service_pb2 as pb

LINE = re.compile(r'twinledger_[a-z_]+\{node="[^"]+"\} -?\d+')


def status() -> NodeStatus:
    certificates = [
        pb.CertificateValidity(node_id="utility-1", valid_until_us=1, days_left=-3),
        pb.CertificateValidity(node_id="maker-1", valid_until_us=2, days_left=30),
    ]
    return NodeStatus.from_message(
        pb.GetStatusResponse(
            node_id="utility-1",
            role=pb.NODE_ROLE_LEADER,
            height=9,
            warnings=["mind it"],
            certificates=certificates,
        )
    )


def test_the_days_left_of_every_certificate_are_a_gauge():
    told = metrics_text(status()).splitlines()
    assert 'twinledger_certificate_days_left{node="utility-1"} -3' in told
    assert 'twinledger_certificate_days_left{node="maker-1"} 30' in told
    assert 'twinledger_height{node="utility-1"} 9' in told
    assert 'twinledger_leads{node="utility-1"} 1' in told
    assert 'twinledger_warnings{node="utility-1"} 1' in told


def test_every_line_is_a_value_with_its_help_and_type_before_it():
    said = set[str]()
    for line in metrics_text(status()).splitlines():
        if line.startswith("# "):
            said.add(line.split()[2])
        else:
            assert LINE.fullmatch(line), line
            assert line.partition("{")[0] in said


def test_what_is_not_known_has_no_value():
    assert "twinledger_certified_height{" not in metrics_text(status())


def test_status_prints_them(talk: Run, node: FakeNode) -> None:
    done = talk("node", "status", "--node", node.address, "--metrics")
    assert done.exit_code == 0
    assert f'twinledger_leads{{node="{node.name}"}} 1' in done.stdout
