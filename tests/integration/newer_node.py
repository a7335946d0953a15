"""The program of a later release: it also knows protocol version 2. Only tests start it."""

import sys
from pathlib import Path

from twinledger.node.main import run

sys.exit(run(Path(sys.argv[sys.argv.index("--config") + 1]), knows=frozenset({1, 2})))
