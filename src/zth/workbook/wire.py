"""Plain values over a socket, between the judge and the process that runs a learner's code.

A frame is two lengths, a JSON header and a safetensors blob: numbers, text, lists, dictionaries, arrays and tensors
arrive as themselves; any other object stays where it is and travels as a `Handle` (its number, type and repr).
Nothing received is ever executed or unpickled.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

MAX_FRAME = 256 * 2**20
"""Bytes; a larger answer is refused before it is read."""
MAX_TOTAL = 2 * MAX_FRAME
"""Bytes of memory that all answers of one process may take: the judge keeps them until the last part is done."""
MAX_HEADER = 16 * 2**20
"""Bytes of it that are JSON. Arrays travel beside."""
_LISTS = 20
"""As many times the room of its JSON a value takes, once it is lists of lists."""

_MALFORMED = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
_LENGTHS = struct.Struct("!QQ")
_TAG = "$"


class WireError(Exception):
    """What came was not a frame: the other side wrote something else, or too much."""


@dataclass(frozen=True)
class Handle:
    """An object that stayed in the other process."""

    number: int
    type_name: str
    text: str


Keep = Callable[[object], int]
"""Stores an object that cannot travel, and gives its number."""
Revive = Callable[[Handle], object]


def pack(value: object, keep: Keep | None = None) -> bytes:
    """One value -> one frame. Without `keep`, an object that cannot travel raises TypeError.

    >>> unpack_bytes(pack({"loss": [1.5, None], "shape": (2, 3)}))
    {'loss': [1.5, None], 'shape': (2, 3)}
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    header = json.dumps(_encode(value, arrays, keep)).encode()
    blob = safetensors.numpy.save(arrays) if arrays else b""
    return _LENGTHS.pack(len(header), len(blob)) + header + blob


def unpack(header: bytes, blob: bytes, revive: Revive | None = None) -> Any:
    """The two halves of a frame -> the value. Raises WireError where they are not well formed."""
    try:
        arrays = safetensors.numpy.load(blob) if blob else {}
        return _decode(json.loads(header), arrays, revive)
    except (*_MALFORMED, safetensors.SafetensorError) as error:
        raise WireError(f"a malformed frame: {error}") from error


def unpack_bytes(frame: bytes, revive: Revive | None = None) -> Any:
    """A whole frame in memory -> the value."""
    n_header, _ = _LENGTHS.unpack_from(frame)
    start = _LENGTHS.size
    return unpack(frame[start : start + n_header], frame[start + n_header :], revive)


def excess(frame: bytes) -> tuple[str, dict[str, str]] | None:
    """How a frame is too large to be received: which part of it, and the megabytes. None where it is not."""
    n_header, _ = _LENGTHS.unpack_from(frame)
    for size, most, what in ((n_header, MAX_HEADER, "too many numbers"), (len(frame), MAX_FRAME, "too large")):
        if size > most:
            return what, {"mb": f"{size / 1e6:,.0f}", "most": f"{most / 1e6:,.0f}"}
    return None


def room(header: bytes, blob: bytes) -> int:
    """Bytes of memory that a frame may take once it is a value.

    >>> room(b"[[],[],[]]", b"")
    200
    """
    return _LISTS * len(header) + len(blob)


def receive(channel: socket.socket, deadline: float | None = None) -> tuple[bytes, bytes] | None:
    """The next frame's header and blob; None at the end of the stream.

    `deadline` is a time of `time.monotonic()`; past it, TimeoutError. Raises WireError for what is not a frame.
    """
    lengths = _read(channel, _LENGTHS.size, deadline)
    if lengths is None:
        return None
    n_header, n_blob = _LENGTHS.unpack(lengths)
    if n_header + n_blob > MAX_FRAME or n_header > MAX_HEADER:
        raise WireError(f"a frame of {n_header:,} and {n_blob:,} bytes")
    header = _read(channel, n_header, deadline)
    blob = _read(channel, n_blob, deadline)
    return None if header is None or blob is None else (header, blob)


def _read(channel: socket.socket, n: int, deadline: float | None) -> bytes | None:
    chunks, missing = [], n
    while missing:
        if deadline is not None:
            channel.settimeout(max(deadline - time.monotonic(), 1e-3))
        try:
            chunk = channel.recv(min(missing, 1 << 20))
        except ConnectionError:
            return None
        if not chunk:
            return None
        chunks.append(chunk)
        missing -= len(chunk)
    return b"".join(chunks)


def _encode(value: object, arrays: dict[str, np.ndarray[Any, Any]], keep: Keep | None) -> Any:
    # The base class's own methods, so that a subclass cannot lie about what it holds.
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        whole = int.__add__(value, 0)
        return whole if abs(whole) < 2**53 else {_TAG: "int", "v": hex(whole)}
    if isinstance(value, float):
        number = float.__add__(value, 0.0)
        return number if np.isfinite(number) else {_TAG: "float", "v": str(number)}
    if isinstance(value, str):
        return (
            str.__str__(value).encode("utf-8", "backslashreplace").decode()
        )  # no lone surrogates, which no file takes
    if isinstance(value, list):
        return [_encode(item, arrays, keep) for item in list.__iter__(value)]
    if isinstance(value, tuple):
        return {_TAG: "tuple", "v": [_encode(item, arrays, keep) for item in tuple.__iter__(value)]}
    if isinstance(value, dict):
        keys = (_key(key.item() if isinstance(key, np.generic) else key) for key in dict.keys(value))
        encoded = zip(keys, dict.values(value), strict=True)
        pairs = [[_encode(key, arrays, keep), _encode(item, arrays, keep)] for key, item in encoded]
        return {_TAG: "dict", "v": pairs}
    array = _as_array(value)
    if array is not None:
        key = f"a{len(arrays)}"
        arrays[key] = array
        return {_TAG: "array" if isinstance(value, (np.ndarray, np.generic)) else "tensor", "v": key}
    if isinstance(value, Handle):
        return {_TAG: "handle", "v": [value.number, value.type_name, value.text]}
    if keep is None:
        raise TypeError(f"{type(value).__name__} cannot travel to another process")
    return {_TAG: "handle", "v": [keep(value), type(value).__name__, _repr(value)]}


def _decode(value: Any, arrays: dict[str, np.ndarray[Any, Any]], revive: Revive | None) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays, revive) for item in value]
    if not isinstance(value, dict):
        return value
    kind, content = value[_TAG], value["v"]
    if kind in ("int", "float"):
        return int(content, 16) if kind == "int" else float(content)
    if kind == "tuple":
        return tuple(_decode(item, arrays, revive) for item in content)
    if kind == "dict":
        return {_key(_decode(k, arrays, revive)): _decode(v, arrays, revive) for k, v in content}
    if kind in ("array", "tensor"):
        # a copy, since what safetensors read cannot be written to; one, or a small frame would become a large value
        array = np.array(arrays.pop(content))
        if kind == "array":
            return array
        import torch

        return torch.from_numpy(array)
    if kind == "handle":
        handle = Handle(int(content[0]), str(content[1])[:200], str(content[2])[:200])
        return revive(handle) if revive else handle
    raise WireError(f"an unknown kind {kind!r}")


def _key(key: Any) -> Any:
    """A dictionary's key. Raises WireError for a kind of key of which many can be chosen that have one hash.

    A dictionary of such keys would never be done: large integers, and tuples that hold them.

    >>> hash(2**61 - 1) == hash(5 * (2**61 - 1)) == hash(0)
    True
    """
    if isinstance(key, int) and abs(key) >= 2**60:
        raise WireError("a dictionary with an integer of more than 60 bits as a key")
    if isinstance(key, tuple):
        small = all(isinstance(x, str) or (isinstance(x, int) and abs(x) < 2**24) for x in tuple.__iter__(key))
        if not small or len(key) > 16:
            raise WireError(
                "a dictionary with a tuple as a key that holds more than 16 texts and integers of 24 bits"
            )
    return key


def _as_array(value: object) -> np.ndarray[Any, Any] | None:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        tensor = value.detach().as_subclass(torch.Tensor).cpu()
        if tensor.dtype == torch.bfloat16:
            tensor = tensor.float()
        value = tensor.numpy()
    if not isinstance(value, (np.ndarray, np.generic)):
        return None
    array = np.array(value, order="C", copy=True, subok=False)
    return array if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8 else None


def _repr(value: object) -> str:
    try:
        return repr(value)[:200]
    except Exception as error:  # a learner's __repr__ may do anything
        return f"<repr raised {type(error).__name__}>"
