"""A training on disk, to go on with: one safetensors file, written in one piece, with JSON in its header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from zth.errors import RunError
from zth.files import atomic_write, dumps

FILE = "checkpoint.safetensors"
KINDS: dict[str, Callable[[Any], Any]] = {"step": int, "seconds": float, "best_step": int, "best_dev": float}
"""What the header says besides the digest."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that changes while a net is trained. What does not, stands in run.json."""

    step: int
    """Steps done."""
    seconds: float
    """Of training so far."""
    best_step: int
    """When the dev loss was lowest; the model in the folder is that of this step."""
    best_dev: float
    tensors: dict[str, Tensor]
    """Trainer.state(), and `losses`: those of the steps since the last line of metrics.jsonl."""

    def save(self, folder: Path) -> None:
        """Replace the checkpoint in `folder`. Raises RunError where it cannot be written.

        >>> import tempfile, torch
        >>> folder = Path(tempfile.mkdtemp())
        >>> Checkpoint(step=7, seconds=0.5, best_step=0, best_dev=3.3, tensors={"x": torch.ones(2)}).save(folder)
        >>> Checkpoint.load(folder).step
        7
        """
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()}
        facts = {key: value for key, value in vars(self).items() if key != "tensors"}
        header = {"zth": dumps({**facts, "sha256": _digest(facts, tensors)}, indent=None)}
        try:
            atomic_write(folder / FILE, to_bytes(tensors, metadata=header))
        except OSError as error:
            raise RunError(
                f"The checkpoint cannot be written to {folder}: {error.strerror}.",
                f"Free some space, and go on from the one before: zth train --resume {folder}"
                if (folder / FILE).is_file()
                else "Free some space, or use --runs.",
            ) from error

    @property
    def trained(self) -> dict[str, Tensor]:
        """Trainer.state()."""
        return {name: tensor for name, tensor in self.tensors.items() if name != "losses"}

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """What `save` wrote. Raises RunError where there is none, or a damaged one."""
        path = folder / FILE
        if not path.is_file():
            raise RunError(f"{folder} has no {FILE} to go on with.", "Train again from the start.")
        try:
            with safe_open(path, framework="pt") as file:
                facts = json.loads((file.metadata() or {})["zth"])
                names = file.keys()
                tensors = {name: file.get_tensor(name) for name in names}
            digest = facts.pop("sha256")
            read = {name: kind(facts[name]) for name, kind in KINDS.items()}
            if digest != _digest(read, tensors):
                raise ValueError("its numbers are not those that were saved")
            return cls(**read, tensors=tensors)
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise RunError(f"{path} is damaged: {error}.", "Train again from the start.") from error


def _digest(facts: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    told = dumps({name: facts[name] for name in KINDS}, indent=None)
    return hashlib.sha256(told.encode() + to_bytes(tensors)).hexdigest()
