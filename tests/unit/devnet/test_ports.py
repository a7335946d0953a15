"""Where a devnet's ports come from: what was named, and never what another one here was given."""

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.devnet.creation import PORTS_VARIABLE, free_ports
from twinledger.ledger.errors import Code


def test_ports_come_from_where_the_variable_says(monkeypatch):
    monkeypatch.setenv(PORTS_VARIABLE, "9300-9399")
    assert set(free_ports(8)) <= set(range(9300, 9400))


def test_a_port_that_was_given_away_is_not_given_again(monkeypatch):
    monkeypatch.setenv(PORTS_VARIABLE, "9400-9449")
    first = free_ports(20)
    assert not set(first) & set(free_ports(20))
    with refused(Code.ADDRESS_IN_USE):
        free_ports(20)


@pytest.mark.parametrize("named", ["", "9400", "9400-", "-9400", "9449-9400", "1-70000", "a-b"])
def test_what_names_no_ports_is_refused(monkeypatch, named):
    monkeypatch.setenv(PORTS_VARIABLE, named)
    with refused(Code.CONFIG_INVALID):
        free_ports(1)
