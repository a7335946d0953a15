"""Demo water: four companies agree on a day of a real water network, and lose their leader midway.

A utility, a maintenance firm, a sensor maker and a regulator run a node each. Every element of the
network Net3 becomes a twin; a day of EPANET's results is streamed in as readings, each transaction
signed by the gateway that read them; half way the leader is killed with SIGKILL and later
restarted. Then what the clients hold receipts for is compared with the blocks that all four nodes
serve. Nothing here touches a node's data or memory: it sees what any member sees.

Read in this order: network, hydraulics (what there is), gateways, scenario (who writes what),
chain, tally, timeline (what is counted), then consortium, delivery, run and report (how it goes).
"""

from twinledger.demos.water.entry import command

__all__ = ["command"]
