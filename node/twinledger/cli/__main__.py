"""The entry: `twinledger ...`, and `python -m twinledger.cli ...`."""

from twinledger.cli.verbs import root


def main() -> None:
    """Runs the command line; exits 0 on success, 1 on failure, 2 when it was used wrongly."""
    root(prog_name="twinledger")


if __name__ == "__main__":
    main()
