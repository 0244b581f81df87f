"""What a computation costs, for exercises 2.4 and 2.5: time, memory at its highest, and what autograd keeps."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Work = Callable[[], object]


@contextmanager
def one_thread() -> Iterator[None]:
    """torch works on one thread inside the block.

    On a machine that is busy with something else, threads that wait for each other make a step of 0.3 ms last 50.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def seconds(ways: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """The median time of each way on one thread, after a round that does not count.

    The ways take turns, so that whatever else the machine does hits all of them alike.

    >>> sorted(seconds({"one": lambda: sum(range(10)), "two": lambda: None}, rounds=3))
    ['one', 'two']
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with one_thread():
        for _ in range(rounds + 1):
            for name, work in ways.items():
                started = perf_counter()
                work()
                taken[name].append(perf_counter() - started)
    return {name: median(times[1:]) for name, times in taken.items()}


def peak_bytes(work: Work) -> int:
    """The most bytes that the tensors made by `work` took at any one time; what was there before does not count.

    It watches each operation that torch carries out, those of the backward pass as well. What an operation needs
    inside itself is not seen: on the steps of 2.4 and 2.5 the process grew by 0 to 3 % more than this.

    >>> peak_bytes(lambda: torch.zeros(1000).exp().sum())  # zeros and their exp, in float32
    8000
    """
    watch = _Watch()
    with one_thread(), watch:
        work()
    return watch.peak


def kept_bytes(forward: Callable[[], Tensor], leaves: Sequence[Tensor]) -> list[int]:
    """The sizes of the tensors that autograd keeps for the backward pass of `forward`, the `leaves` left out.

    >>> x = torch.ones(10, requires_grad=True)
    >>> kept_bytes(lambda: x.exp().sin().sum(), [x])  # the slope of exp is its result, that of sin needs its input
    [40]
    """
    known = {leaf.untyped_storage().data_ptr() for leaf in leaves}
    kept: dict[int, Tensor] = {}  # holds them, so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in known:
            kept.setdefault(address, tensor.detach())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return [tensor.untyped_storage().nbytes() for tensor in kept.values()]


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of every storage from the operation that makes it until it is freed."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else PyTorch imports its compiler, 1.4 s, only to keep out of here

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = {_address(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and _address(leaf) not in before | self._known:
                self._add(leaf.untyped_storage())
        self.peak = max(self.peak, self.now)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        address, size = storage.data_ptr(), storage.nbytes()
        if size == 0:
            return
        self._known.add(address)
        self.now += size
        weakref.finalize(storage, self._drop, address, size)

    def _drop(self, address: int, size: int) -> None:
        self._known.discard(address)
        self.now -= size


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
