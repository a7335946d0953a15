"""The `twinledger` command.

What it is for: everything an operator, a developer or an auditor does from a shell, each with
`--json` for programs and a sentence with a next step when it fails.
What it never does: anything that the SDK, the devnet or the node cannot do without it; nothing
imports it. It loads nothing before it is needed: a verb's module is imported when that verb runs,
and says which extra to install when a part is missing.

Read in this order: ``__main__`` (the entry), ``verbs`` (which there are), ``lazy_group`` (how they
are found), ``failures`` (how errors leave), ``options`` and ``connection`` (how a command finds its
node and its identity), ``output`` and ``rendering`` (what it prints), then any verb.
"""
