"""The simulated world: a whole cluster with its disks, network, clocks, clients and enemies.

It drives the pure core of `twinledger.consensus` through years of faults in minutes, and checks
after every event what must always hold. One seed is one world, the same on every run. It never
reads a real clock, opens a file or socket, or starts a thread or an event loop; and it never
forgives: what a core does wrong is raised, not counted.

Fault model: crash-stop nodes with crash-recovery disks. Nodes lose power between any two steps, are
paused, restart fast or late, and tick at half to twice the pace; messages are lost, delayed,
doubled and reordered, links are cut in any shape and direction; disks forget what was not synced,
tear their last write, fail a sync, fill up, flip bits and lose files, but never the same entry on a
quorum. A node that lost what it acknowledged never comes back under its id.
Nobody lies: members who do are met above Raft, by cosignatures.

Read in this order: knobs (what differs), chance, agenda and trace (luck, time and what happened),
journal, disk, machine, process (one node), scene (what all share), network, replica (what drives a
core), desk, clients, history, linearizability (the users), depot (snapshots), governance and
governor (membership), observer, electorate and promises (what must hold), broken, lifecycle,
replacement (power and new machines), nemesis, partitions, ambush (the enemies), rest (the end),
world (all of it), runner (the face).
"""

from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.knobs import Knobs, draw_knobs
from twinledger.simulation.runner import Result, run

__all__ = ["InvariantBroken", "Knobs", "Result", "draw_knobs", "run"]
