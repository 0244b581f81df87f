"""Several processes that train one net: which of them this is, and how they agree.

`torchrun` starts them and says to each which one it is; torch's DistributedDataParallel adds up their gradients. All
hold the same net and draw the same batches; of each batch process r of n takes rows r, r + n, r + 2n, ... The first
one, rank 0, leads: it alone decides, writes and speaks. The others do the steps that it tells them (`World.told`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import uuid4

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import nn
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]  # documented, not listed
from torch.nn.parallel import DistributedDataParallel

from zth.errors import ConfigError, RunError, ZthError
from zth.layers import BatchNorm1d

TIMEOUT = timedelta(minutes=10)
"""So long one process waits for another that is alive and silent; the connection to a dead one breaks at once."""
FOLDER_KEY = "run folder"

Store = Any
"""A PrefixStore or TCPStore; torch.distributed exports their types no more than their names."""
T = TypeVar("T")


class Lost(RunError):
    """Another process of this training has gone."""


class World:
    """The processes that train together; by default this one alone, and then nothing here costs anything.

    >>> alone = World()
    >>> alone.leads, alone.told(3), alone.total(np.array([0.5])).tolist(), alone.begun()
    (True, 3, [0.5], None)
    """

    def __init__(
        self,
        *,
        rank: int = 0,
        size: int = 1,
        local_rank: int = 0,
        device: torch.device | None = None,
        memory: Store | None = None,
    ) -> None:
        self.rank, self.size, self.local_rank = rank, size, local_rank
        self.device = device or torch.device("cpu")
        self._memory = memory
        """torchrun's own store: it outlives the processes that torchrun starts again."""
        self.followed = size > 1
        """Whether the others wait for what rank 0 tells them."""

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def told(self, value: T) -> T:
        """What rank 0 passes here, in every process; an error is raised. Raises Lost where a process has gone."""
        if self.size == 1:
            return value
        box: list[Any] = [value]
        with self.watched():
            dist.broadcast_object_list(box, src=0)
        if isinstance(box[0], BaseException) and not self.leads:
            raise box[0]
        return cast(T, box[0])

    def release(self, error: BaseException | None = None) -> None:
        """Rank 0 lets the others go, once: they have nothing more to do, or shall end as it does."""
        if self.leads and self.followed:
            self.followed = False
            self.told(error)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Something that every process does, first one on each machine, which may fill its cache, then the others.

        Where one fails, all raise its error.
        """
        error = None
        if self.size > 1 and self.local_rank > 0:
            self._wait()
        try:
            yield
        except ZthError as caught:
            error = caught
        if self.size > 1 and self.local_rank == 0:
            self._wait()
        for rank, each in enumerate(self._all(error)):
            if each is not None and (rank == 0 or self.size == 1):
                raise each
            if each is not None:
                raise type(each)(f"Process {rank} of {self.size}: {each.problem}", each.next_move)

    def agree(self, facts: Mapping[str, str]) -> None:
        """Raises ConfigError, in all, where a process holds another of these facts than rank 0 does."""
        if self.size == 1:
            return
        first, *others = self._all(dict(facts))
        for rank, theirs in enumerate(others, start=1):
            for name, value in first.items():
                if theirs[name] != value:
                    raise ConfigError(
                        f"{name[:1].upper()}{name[1:]} of process {rank} is not that of process 0.",
                        "Put the same files on every machine.",
                    )

    def total(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K,) -> (K,): the sum over all processes."""
        if self.size == 1:
            return numbers
        summed = torch.from_numpy(numbers.copy())
        with self.watched():
            dist.all_reduce(summed)
        return np.asarray(summed.numpy())

    def parallel(self, net: nn.Module) -> nn.Module:
        """The net as it is called in training: its gradient becomes the mean of all processes'.

        Raises ConfigError for a net with BatchNorm, which must see the whole batch at one time.
        """
        if self.size == 1:
            return net
        refuse_batchnorm(net, f"{self.size} processes")
        ids = [self.device] if self.device.type == "cuda" else None
        with self.watched():
            return DistributedDataParallel(net, device_ids=ids)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raises Lost where torch says that the connection to another process broke."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not _broken(error):
                raise
            self.followed = False  # there is nobody to be told
            raise Lost(
                f"Process {self.rank} of {self.size}: another one has gone, so the training cannot go on.",
                "What was saved last is in the run folder: zth train --resume FOLDER",
            ) from error

    def remember(self, folder: Path) -> None:
        """Rank 0 notes its run folder where it is found when torchrun starts all processes again."""
        if self._memory is not None and self.leads:
            self._memory.set(FOLDER_KEY, str(folder.resolve()))

    def begun(self) -> Path | None:
        """The run folder of the attempt before, where torchrun has started this training again."""
        found = None
        if self._memory is not None and self.leads and self._memory.check([FOLDER_KEY]):
            found = self._memory.get(FOLDER_KEY).decode()
        found = self.told(found)
        return None if found is None else Path(found)

    def _wait(self) -> None:
        with self.watched():
            dist.barrier()

    def _all(self, value: T) -> list[T]:
        values: list[Any] = [value] * self.size
        if self.size > 1:
            with self.watched():
                dist.all_gather_object(values, value)
        return values


ALONE = World()


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[World]:
    """The world that torchrun's variables tell of, from the first connection to the last; else this process alone.

    Leaving it by an error, rank 0 ends the others, too. Raises ConfigError for variables that make no sense, Lost
    where the others cannot be reached.
    """
    if "TORCHELASTIC_RUN_ID" not in environment:
        yield World()
        return
    world = _connected(environment)
    try:
        yield world
        world.release()
    except BaseException as error:
        with suppress(Lost):
            world.release(error if isinstance(error, (ZthError, KeyboardInterrupt)) else Lost("Rank 0 failed."))
        raise
    finally:
        dist.destroy_process_group()


def _connected(environment: Mapping[str, str]) -> World:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")
    try:
        rank, size, local_rank, local_size, port = (int(environment[name]) for name in names)
        host = environment["MASTER_ADDR"]
    except (KeyError, ValueError) as error:
        raise ConfigError(f"torchrun's variables make no sense: {error}.", "Start with torchrun.") from error
    of_torchrun = environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    on_gpu = local_size <= torch.cuda.device_count()  # else several would share one
    device = torch.device("cuda", local_rank) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    try:
        store = TCPStore(host, port, None, is_master=rank == 0 and not of_torchrun, timeout=TIMEOUT)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
            store=PrefixStore(_attempt(store, rank, size), store),
            rank=rank,
            world_size=size,
            timeout=TIMEOUT,
        )
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[0]
        raise Lost(
            f"Process {rank} of {size} cannot reach the others: {reason}", "Are all started, with the same address?"
        ) from error
    memory = PrefixStore("zth", store)
    return World(rank=rank, size=size, local_rank=local_rank, device=device, memory=memory)


def _attempt(store: Store, rank: int, size: int) -> str:
    """A name that all processes of this attempt agree on, and that none of an earlier one had.

    torchrun's store still holds the addresses of those, and machines count the restarts each for itself. So rank 0
    makes up a name, and answers whoever takes it up; who took up an old name gets no answer, and looks again.
    """
    mine = uuid4().hex
    if rank == 0:
        store.set("attempt", mine)
        for other in range(1, size):
            store.set(store.get(f"{mine}/{other}").decode(), "yes")
        return mine
    while True:
        name: str = store.get("attempt").decode()
        store.set(f"{name}/{rank}", mine)
        with suppress(dist.DistStoreError):
            store.wait([mine], timedelta(seconds=0.5))
            return name


def refuse_batchnorm(net: nn.Module, who: str) -> None:
    """Raises ConfigError for a net whose batch must not be cut: its BatchNorm would see only parts.

    >>> refuse_batchnorm(BatchNorm1d(3), "2 processes")
    Traceback (most recent call last):
    zth.errors.ConfigError: BatchNorm needs the whole batch at once; 2 processes would each see a part of it. ...
    """
    if any(isinstance(part, (BatchNorm1d, nn.modules.batchnorm._BatchNorm)) for part in net.modules()):
        raise ConfigError(
            f"BatchNorm needs the whole batch at once; {who} would each see a part of it.",
            "Train it in one process and one piece, or without BatchNorm.",
        )


def _broken(error: RuntimeError) -> bool:
    """Whether torch complains of the connection, not of what we did. gloo's complaints have no class of their own."""
    return isinstance(error, dist.DistError) or any(name in str(error).lower() for name in ("gloo", "nccl"))
