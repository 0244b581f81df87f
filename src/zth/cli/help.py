"""Help that fits a screen: a group's name, then its entries in two columns, no frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions


class CompactHelp:
    """A cyclopts help formatter; it keeps cyclopts' own description."""

    def render_usage(self, console: Console, options: ConsoleOptions, usage: object) -> None:
        """The usage line, without the blank line behind it."""
        text = "Usage: " + str(getattr(usage, "plain", usage)).removeprefix("Usage:").strip()
        console.print(Text(text), width=options.max_width)

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print one group of commands or options."""
        if not panel.entries:
            return
        console.print(Text.assemble((str(panel.title or ""), "bold")))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column()
        for entry in panel.entries:
            grid.add_row(Text("  " + ", ".join(entry.display_labels_with_metavar)), _described(entry))
        console.print(grid, width=options.max_width)


def _described(entry: HelpEntry) -> Text:
    description = getattr(entry.description, "primary_renderable", entry.description)
    text = Text(str(getattr(description, "plain", description or "")).strip())
    if entry.choices:
        text.append(f" [{' | '.join(entry.choices)}]")
    if entry.default not in (None, "", "False", '""'):
        text.append(f" (default: {entry.default})", style="dim")
    return text
