"""The entry: `twinledger ...`, and `python -m twinledger.cli ...`."""

import os

from twinledger.cli.verbs import root


def main() -> None:
    """Runs the command line; exits 0 on success, 1 on failure, 2 when it was used wrongly."""
    # gRPC writes to standard error itself, where a node's lines are JSON and ours are sentences;
    # what matters of it comes back as errors.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    root(prog_name="twinledger")


if __name__ == "__main__":
    main()
