"""Net3 and its day: the network that ships with wntr, and what EPANET says happens in it.

The only file that touches wntr. EPANET is the hydraulic solver that water utilities use; wntr
brings it and the example network. What wntr and the libraries it imports have to say to developers
is kept from the user, and only that.
"""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twinledger.demos.water.network import Day, Element, Kind, Link, Network

if find_spec("wntr") is None:
    # Said when the demonstration is asked for, not in the middle of it.
    raise ModuleNotFoundError("No module named 'wntr'", name="wntr")

STEP_SECONDS = 900
DAY_SECONDS = 86_400
_DECIMALS = 6
"""EPANET reports single precision; more digits would be noise of the conversion to doubles."""


@contextlib.contextmanager
def _developers_notices_kept_back() -> Iterator[None]:
    """Keeps back warnings raised in wntr's code, and matplotlib's word on its first font cache."""
    fonts = logging.getLogger("matplotlib.font_manager")
    before = fonts.level
    fonts.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"wntr(\.|$)")
            yield
    finally:
        fonts.setLevel(before)


def simulate_net3() -> tuple[Network, Day]:
    """Loads Net3 and runs EPANET over one day at 15-minute steps: 97 steps of 216 readings."""
    with _developers_notices_kept_back():
        # Here and not above, because wntr takes seconds to import and warns while it does.
        import wntr  # noqa: PLC0415

        path = wntr.library.ModelLibrary().get_filepath("Net3")
        model = wntr.network.WaterNetworkModel(path)
        model.options.time.duration = DAY_SECONDS
        model.options.time.report_timestep = STEP_SECONDS
        with tempfile.TemporaryDirectory() as folder:
            simulator = wntr.sim.EpanetSimulator(model)
            results = simulator.run_sim(file_prefix=str(Path(folder) / "net3"))
        _turn_flows_forward(model, results)
        network = _network(model)
        return network, _day(network, results)


def _turn_flows_forward(model: Any, results: Any) -> None:
    """Lets every link lead where its water mostly goes; the file's direction is the drawer's."""
    flows = results.link["flowrate"]
    for name, link in model.links():
        if flows[name].mean() < 0:
            link.start_node, link.end_node = link.end_node, link.start_node
            flows[name] = -flows[name]


def _network(model: Any) -> Network:
    nodes = {name: _element(node) for name, node in model.nodes()}
    links = (
        Link(_element(link), nodes[link.start_node_name], nodes[link.end_node_name])
        for _, link in model.links()
    )
    return Network(tuple(nodes.values()), tuple(links))


_FIXED = {
    Kind.JUNCTION: {"elevation_m": "elevation"},
    Kind.TANK: {
        "elevation_m": "elevation",
        "diameter_m": "diameter",
        "min_level_m": "min_level",
        "max_level_m": "max_level",
    },
    Kind.RESERVOIR: {"head_m": "base_head"},
    Kind.PIPE: {"length_m": "length", "diameter_m": "diameter", "roughness": "roughness"},
    Kind.PUMP: {"speed": "base_speed"},
}
"""What is fixed about an element: our property and wntr's attribute, by kind."""


def _element(found: Any) -> Element:
    kind = Kind(found.node_type if hasattr(found, "node_type") else found.link_type)
    fixed = ((ours, _rounded(getattr(found, theirs))) for ours, theirs in _FIXED[kind].items())
    return Element(kind, found.name, tuple(fixed))


_RESULT = {
    Kind.JUNCTION: ("node", "pressure", 1),
    Kind.TANK: ("node", "pressure", 1),  # EPANET's pressure of a tank is its water level
    Kind.RESERVOIR: ("node", "demand", -1),  # a reservoir's demand is negative: it gives
    Kind.PIPE: ("link", "flowrate", 1),
    Kind.PUMP: ("link", "flowrate", 1),
}
"""Where EPANET's results hold an element's reading, and with which sign, by kind."""


def _day(network: Network, results: Any) -> Day:
    columns = [_column(element, results) for element in network.elements]
    return Day(STEP_SECONDS, tuple(zip(*columns, strict=True)))


def _column(element: Element, results: Any) -> list[float]:
    side, quantity, sign = _RESULT[element.kind]
    return [_rounded(sign * value) for value in getattr(results, side)[quantity][element.name]]


def _rounded(value: Any) -> float:
    # Adding zero turns negative zero, which a sign can make, into zero.
    return round(float(value), _DECIMALS) + 0.0
