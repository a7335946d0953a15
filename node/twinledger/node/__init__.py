"""The running node: one asyncio process that orders, stores, executes and serves.

Everything that decides lives elsewhere and is pure (consensus, ledger, execution); this folder only
moves values between those cores, the disk, the network and the clients. It never changes what a
block means. One event loop owns the consensus core and the pool; two threads besides it write the
log and execute blocks, and a small pool of threads checks signatures.

Read in this order: main (start and stop), configuration, foundation (what was there before),
assembly (the parts), running (their tasks), serving (the ports); then the parts: replica (the loop
around the core), node_records, node_keys and validity (who the nodes are and what they show), ports
(who may connect), dialling, transport and consensus_wire (between nodes), pool and preparation
(what waits, and the checks made meanwhile), submission, proposer (how it gets ordered), applier,
feed (who is told), reads, updates, disk_watch; and services/ (what clients call).
"""
