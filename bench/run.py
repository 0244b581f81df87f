"""Runs every bench beside this file, each in a process of its own; `--json` gives one list of all rows."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one list of rows instead of tables")
    arguments = parser.parse_args()
    rows, code = [], 0
    for script in sorted(Path(__file__).parent.glob("*.py")):
        if script.name == "run.py" or '__name__ == "__main__"' not in script.read_text(encoding="utf-8"):
            continue  # what others import
        command = [sys.executable, "-W", "ignore", str(script), *(["--json"] if arguments.json else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE if arguments.json else None, text=True, check=False)
        code = code or done.returncode
        if arguments.json and done.returncode == 0:
            rows += json.loads(done.stdout)
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
