"""The running node: one asyncio process that orders, stores, executes and serves.

Everything that decides lives elsewhere and is pure (consensus, ledger, execution); this folder only
moves values between those cores, the disk, the network and the clients. It never changes what a
block means. One event loop owns the consensus core and the pool; two threads besides it write the
log and execute blocks, and a small pool of threads checks signatures.

Read in this order: main (start and stop), configuration, replica (the loop), pool and preparation
(what waits, and the checks made meanwhile), proposer and forwarder (how it gets ordered), applier
(what happens to a committed entry), feed (who is told), transport and consensus_wire (between
nodes), services/ (what clients call).
"""
