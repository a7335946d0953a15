"""The shapes a network can break into: each a set of cut links."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final

from twinledger.consensus import NodeId
from twinledger.simulation.network import Link

Nodes = Sequence[NodeId]
Shape = Callable[[Random, Nodes, NodeId], set[Link]]


def between(one: Iterable[NodeId], other: Iterable[NodeId]) -> set[Link]:
    """Return the links between two groups, in both directions."""
    others = list(other)
    pairs = [(left, right) for left in one for right in others if left != right]
    return {*pairs, *((right, left) for left, right in pairs)}


def isolate(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """One node alone, half of the time the leader."""
    lonely = random.choice((leader, random.choice(nodes)))
    return between([lonely], nodes)


def split(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """Two groups of any size."""
    del leader
    shuffled = random.sample(nodes, len(nodes))
    place = random.randrange(1, len(nodes))
    return between(shuffled[:place], shuffled[place:])


def leader_with_minority(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """The leader and as many others as still make no majority."""
    others = [node for node in nodes if node != leader]
    companions = random.sample(others, (len(nodes) - 1) // 2)
    return between([leader, *companions], [node for node in others if node not in companions])


def bridge(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """Two groups that share one node."""
    del leader
    shuffled = random.sample(nodes, len(nodes))
    middle = (len(nodes) - 1) // 2
    return between(shuffled[1 : middle + 1], shuffled[middle + 1 :])


def ring(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """Everyone sees only two neighbours: each majority is another one."""
    del leader
    order = random.sample(nodes, len(nodes))
    count = len(order)
    return {
        (order[one], order[other])
        for one in range(count)
        for other in range(count)
        if (one - other) % count not in (0, 1, count - 1)
    }


def deaf(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """One node sends and hears nothing."""
    victim = random.choice((leader, random.choice(nodes)))
    return {(node, victim) for node in nodes if node != victim}


def mute(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """One node hears and cannot send."""
    victim = random.choice((leader, random.choice(nodes)))
    return {(victim, node) for node in nodes if node != victim}


def holes(random: Random, nodes: Nodes, leader: NodeId) -> set[Link]:
    """Any links, each direction for itself."""
    del leader
    share = random.choice((0.2, 0.4, 0.6))
    return {
        (one, other) for one in nodes for other in nodes if one != other and random.random() < share
    }


SYMMETRIC: Final[tuple[Shape, ...]] = (isolate, split, leader_with_minority, bridge, ring)
ONE_WAY: Final[tuple[Shape, ...]] = (deaf, mute, holes)
