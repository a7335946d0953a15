"""`twinledger twin`: change, read and watch twins."""

import click

from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.twin_proving import prove
from twinledger.cli.twin_reading import get, history, list_twins, trace, watch
from twinledger.cli.twin_writing import create, relate, retire, set_properties, unrelate


@click.group(
    cls=ExampledGroup,
    example="""
twinledger twin create pump-7 flow=12.5 state=on
twinledger twin set pump-7 flow=13.0 --expected-version 1
twinledger twin get pump-7
""",
)
def twin() -> None:
    """Changes, reads, watches and proves twins.

    A VALUE is JSON if it is JSON, else text: 13 is an int, 13.0 a double, true a bool, on a text.
    Bytes are {"$bytes": "base64"}, times {"$time_us": microseconds since 1970}.
    """


for _command in (
    create,
    get,
    list_twins,
    set_properties,
    relate,
    unrelate,
    retire,
    history,
    trace,
    watch,
    prove,
):
    twin.add_command(_command)
