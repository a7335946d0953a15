"""The history tree over HTTP, in the layout of c2sp.org/tlog-tiles, for transparency-log clients.

What it is for: programs that know nothing of this ledger follow its log, check that it only grows,
and find every header in it. Off unless the operator gives an address.

What it never does: answer a stranger, tell a caller what the call GetBlock would not, serve what
is not certified yet, or load anything of an HTTP server into a node that has no use for it: only
``running`` imports ``server``, and only when it is asked for.

Read in this order: ``naming`` (what a path names), ``answers`` (its bytes), ``application`` (who
asks, and how it is said in HTTP), ``listener`` and ``server`` (the port).
"""
