"""What stands beside the exercises: those that cannot be used, and those that are being written."""

from __future__ import annotations

from rich.markup import escape

from zth.cli.terminal import err, out
from zth.texts import say
from zth.workbook.exercise import broken, drafts


def print_broken() -> int:
    """Tell which packs and exercises cannot be used, on standard error -> how many."""
    found = broken()
    for each in found:
        err().print(f"[yellow]{escape(each.name)}:[/] {escape(str(each.error))}", soft_wrap=True)
    return len(found)


def print_drafts() -> None:
    """Tell which exercises are being written; nobody but their author looks for them."""
    for each in drafts():
        told = say("{id} {title} is being written: zth prove {id}", id=escape(each.id), title=escape(each.title))
        out().print(f"[dim]{told}[/]", soft_wrap=True)
