"""Auditing a stopped node's folder: everything derived is derived again and compared.

What it is for: whoever has a folder, a copy or a backup learns whether it is what its own log and
genesis file make it, to the byte, or where it first is not. And the drill, which damages a copy in
every way there is and shows that each is found.

What it never does: write to the folder, trust a record because it reads back whole, stop at the
first fault it finds, or load a chain into memory.

Read in this order: ``findings`` (what is told), ``replay`` (executing the log into a scratch
chain), ``comparison`` (two chains, record by record), ``audit`` (all of it), ``damage`` and
``drill``.
"""
