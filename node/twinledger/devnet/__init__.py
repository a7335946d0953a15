"""A local consortium of real processes, for trying, for tests and for demonstrations.

What it is for: making a folder with members, keys, a genesis file and nodes; starting those nodes
as processes of the operating system; killing, restarting and stopping them; saying how they are.
What it never does: reach into a node (it uses what any operator has: files, signals and the
services), believe a process id without proof, or listen beyond 127.0.0.1. It is no way to run a
consortium of several machines, and it needs Linux (/proc).

Read in this order: ``layout`` (what lies where), ``creation`` (how it comes into being),
``process`` (one node's process), ``status`` (how the nodes are), ``control`` (up, kill, restart,
down).
"""
