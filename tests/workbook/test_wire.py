"""Values over the wire: what arrives is what was sent, and only plain things."""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from zth.workbook import wire


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        2**53 + 1,
        -(10**30),
        10**4000,
        -0.0,
        1e-320,
        math.inf,
        "naïve \U0001f600 \x00",
        [],
        (),
        {},
        [1, [2.5, ("a", None)]],
        {"$": "int", "v": "5", 3: [4]},
        {(1, 2): {"x": [(), {}]}},
    ],
)
def test_plain_values_travel_as_themselves(value: object) -> None:
    back = wire.unpack_bytes(wire.pack(value))
    assert back == value
    assert type(back) is type(value)


def test_nan_travels() -> None:
    assert math.isnan(wire.unpack_bytes(wire.pack(math.nan)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool, torch.float16])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_tensors_travel(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
    back = wire.unpack_bytes(wire.pack({"a": tensor, "b": [tensor]}))
    assert back["a"].dtype == dtype
    assert back["a"].shape == tensor.shape
    assert torch.equal(back["b"][0], tensor)


def test_arrays_tensors_with_gradients_and_views_travel() -> None:
    weights = torch.randn(4, 4, requires_grad=True)
    back = wire.unpack_bytes(wire.pack([weights[::2, 1:], np.arange(6).reshape(2, 3).T, np.float32(1.5)]))
    assert torch.equal(back[0], weights.detach()[::2, 1:])
    assert back[1].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert back[2] == 1.5
    assert torch.equal(wire.unpack_bytes(wire.pack(torch.ones(2, dtype=torch.bfloat16))), torch.ones(2))


def test_other_objects_stay_and_a_handle_travels() -> None:
    kept: list[object] = []

    def keep(value: object) -> int:
        kept.append(value)
        return len(kept) - 1

    back = wire.unpack_bytes(wire.pack([1, complex(1, 2)], keep))
    assert back[1] == wire.Handle(0, "complex", "(1+2j)")
    assert kept == [complex(1, 2)]
    with pytest.raises(TypeError, match="complex cannot travel"):
        wire.pack(complex(1, 2))


def test_a_repr_that_raises_is_survived() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    back = wire.unpack_bytes(wire.pack(Broken(), lambda _: 0))
    assert back.text == "<repr raised RuntimeError>"


def test_a_subclass_cannot_lie_about_what_it_holds() -> None:
    class Liar(float):
        def __float__(self) -> float:
            return 7.0

        def __add__(self, other: object) -> Any:
            return 7.0

        def __repr__(self) -> str:
            return "7.0"

    class Hiding(list[int]):
        def __iter__(self) -> Any:
            return iter([7])

    assert wire.unpack_bytes(wire.pack([Liar(1.0), Hiding([2])])) == [1.0, [2]]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"not json",
        b'{"$": "exec", "v": "1"}',
        b'{"v": 1}',
        b'{"$": "array", "v": "a0"}',
        b'{"$": "float", "v": "x"}',
    ],
)
def test_what_is_not_a_frame_is_refused(header: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(header, b"")


def test_a_broken_blob_is_refused() -> None:
    header = json.dumps({"$": "array", "v": "a0"}).encode()
    with pytest.raises(wire.WireError):
        wire.unpack(header, b"\x08\x00\x00\x00\x00\x00\x00\x00{broken}")


def test_frames_over_a_socket_end_and_deadline() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(wire.pack([1, 2]))
        frame = wire.receive(ours)
        assert frame is not None
        assert wire.unpack(*frame) == [1, 2]
        with pytest.raises(TimeoutError):
            wire.receive(ours, time.monotonic() + 0.01)
        theirs.sendall(struct.pack("!QQ", wire.MAX_FRAME, 1))
        ours.settimeout(1)
        with pytest.raises(wire.WireError, match="bytes"):
            wire.receive(ours)
        theirs.close()
        assert wire.receive(ours) is None


def test_a_small_frame_stays_a_small_value() -> None:
    """An array is mentioned once: a thousand copies of one would fill the judge's memory."""
    blob = safetensors.numpy.save({"a0": np.ones(3)})
    twice = json.dumps([{"$": "array", "v": "a0"}] * 2).encode()
    with pytest.raises(wire.WireError):
        wire.unpack(twice, blob)


@pytest.mark.parametrize("key", [(1, 2**40), (1.5, 2), ((1, 2), 3), (0,) * 17, 2**61 - 1])
def test_keys_that_could_all_have_one_hash_do_not_travel(key: object) -> None:
    with pytest.raises(wire.WireError):
        wire.pack({key: 0})


def test_keys_of_counts_travel() -> None:
    counts = {("a", "b"): 1, (0, 26, 5): 2, "x": 3, 4: 5, 0.5: 6}
    assert wire.unpack_bytes(wire.pack(counts)) == counts
