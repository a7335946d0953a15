"""Which commands there are, where they are found, and which extra each needs."""

import click

from twinledger.cli.lazy_group import LazyGroup, Verb

_HERE = "twinledger.cli"

DEMOS = {
    "water": Verb(
        "twinledger.demos.water", "command", "demo", "A day of a real water network on four nodes."
    ),
}


@click.group(cls=LazyGroup, verbs=DEMOS, example="twinledger demo water")
def demo() -> None:
    """Runs a demonstration on real input."""


VERBS = {
    "keygen": Verb(f"{_HERE}.keygen", "keygen", "client", "Make a key for an identity."),
    "genesis": Verb(f"{_HERE}.genesis", "genesis", "client", "Make and read genesis files."),
    "node": Verb(f"{_HERE}.node", "node", "client", "Make, run and look at a node."),
    "devnet": Verb(f"{_HERE}.devnet", "devnet", "node", "A local consortium of real processes."),
    "demo": Verb(f"{_HERE}.verbs", "demo", "demo", "Demonstrations on real input."),
    "identity": Verb(f"{_HERE}.identity", "identity", "client", "Admit and revoke identities."),
    "access": Verb(f"{_HERE}.access", "access", "client", "Who may do what to a twin, and why."),
    "twin": Verb(f"{_HERE}.twin", "twin", "client", "Change, read and watch twins."),
    "tx": Verb(f"{_HERE}.tx", "tx", "client", "Submit transactions; ask what became of them."),
    "block": Verb(f"{_HERE}.block", "block", "client", "Read blocks."),
    "consortium": Verb(f"{_HERE}.consortium", "consortium", "client", "Members and their nodes."),
    "verify": Verb(f"{_HERE}.verify", "verify", "client", "Check a proof, offline."),
    "sim": Verb(f"{_HERE}.sim", "sim", "client", "Simulate consensus under faults."),
}


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"]},
    example="""
twinledger devnet up --nodes 4 --dir D --detach
export TWINLEDGER_DEVNET=D
twinledger twin create pump-7 flow=12.5
twinledger twin set pump-7 flow=13.0
twinledger twin history pump-7
twinledger devnet down --dir D
""",
)
@click.version_option(package_name="twinledger")
def root() -> None:
    """A permissioned ledger for digital twins."""
