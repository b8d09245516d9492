"""Start a rehearsal server: ``python -m rehearsal ibm --folder F [--device fez] [--port 0]``."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

from rehearsal.server import Rehearsal


def main() -> None:
    """Serve until killed; one line of JSON tells the port and the client's environment."""
    parser = argparse.ArgumentParser(prog="rehearsal", description=__doc__)
    parser.add_argument("vendor", choices=["ibm", "braket", "ionq"])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--device")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="how long a job waits (s)")
    given = parser.parse_args()
    vendor = importlib.import_module(f"rehearsal.{given.vendor}").VENDOR
    rehearsal = Rehearsal(vendor, given.folder, device=given.device)

    def ready(port: int) -> None:
        environment = rehearsal.vendor.environment(port)
        print(json.dumps({"port": port, "environment": environment}), flush=True)

    rehearsal.serve(given.port, given.latency, ready)


if __name__ == "__main__":
    main()
