"""The workbook in a notebook: `from zth.notebook import check, draw, hint, solution`.

Jupyter, JupyterLab, VS Code, Colab, marimo, or a bare Python prompt: what is shown is rich where it can be.
"""

from zth.notebook.calls import check, draw, hint, solution

__all__ = ["check", "draw", "hint", "solution"]
