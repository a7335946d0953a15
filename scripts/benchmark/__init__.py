"""The benchmark behind scripts/bench: this ledger and etcd under one load on one machine.

Both get the same closed loop from the same process: so many writes of 256 bytes in flight, a new
one as soon as one is answered. Nothing here is a test: it measures and prints, and judges nothing.
It is no part of the package that is installed.

Read in this order: load (the loop), signatures (the bound), etcd and ledger (what is driven), main.
"""
