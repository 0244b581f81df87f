from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from zth.autograd import Value
from zth.autograd.functional import cross_entropy
from zth.autograd.graph import dot
from zth.autograd.nn import MLP
from zth.autograd.replay import Replay
from zth.autograd.tape import Tape, record
from zth.errors import ConfigError, DomainError, RunError, ShapeError


def softmax_tape() -> Tape:
    return record(lambda logits: cross_entropy(logits, 3), [Value(x) for x in (0.0, 3.0, -2.0, 1.0)])


def test_the_tape_of_the_softmax_graph_runs_on_other_logits() -> None:
    replay = Replay(softmax_tape())
    replay.forward([0.0, 3.0, -2.0, 1.0])
    replay.backward()
    # LECTURES 1.2
    assert [f"{x:.10f}" for x in replay.input_gradients[:, 0]] == [
        "0.0417725705",
        "0.8390245075",
        "0.0056533027",
        "-0.8864503806",
    ]
    # the shift is found anew: with the one of the recording, exp(997) would overflow
    assert replay.forward([1000.0, 0.0, 0.0, 1000.0])[0, 0] == pytest.approx(np.log(2))


def test_operands_stand_before_what_is_made_of_them_and_leaves_before_all() -> None:
    tape = softmax_tape()
    here = np.arange(tape.n_leaves, tape.n_nodes)
    assert (tape.a < here).all()
    assert (tape.b < here).all()
    assert tape.outputs == (tape.n_nodes - 1,)


def test_inputs_parameters_and_constants_are_told_apart() -> None:
    w, unused = Value(2.0, label="w"), Value(4.0)

    def f(x: list[Value], y: Value) -> Value:
        return x[0] * w + 0.5 * y + 0.5

    tape = record(f, [1.0, 2.0], Value(3.0))
    assert [tape.kind(i) for i in range(5)] == ["input"] * 3 + ["parameter", "constant"]
    assert tape.numbers.tolist() == [1, 2, 3, 2, 0.5]  # 0.5 once
    assert tape.wanted.tolist() == [False, False, True]
    assert tape.parameters == (w,)
    assert tape.labels == {3: "w"}
    tape = record(f, [1.0, 2.0], 3.0, parameters=[unused, w])
    assert tape.parameters == (unused, w)
    assert tape.numbers.tolist() == [1, 2, 3, 4, 2, 0.5]
    assert record(f, [1.0, 2.0], 3.0, parameters=[]).n_parameters == 0


def test_signs_of_zero_and_nan_are_kept_apart() -> None:
    tape = record(lambda x: [x + 0.0, x + -0.0, x + float("nan"), x + float("nan")], 1.0)
    assert len(tape.numbers) == 4


READS: dict[str, Any] = {
    "if x > 0": lambda x: x if x > 0 else -x,
    "min(": lambda x: min(x, Value(1.0)),
    "x.data": lambda x: x * Value(x.data),
    "float(": lambda x: x * float(x.data),
}


@pytest.mark.parametrize("name", READS)
def test_structure_that_depends_on_data_is_an_error_that_shows_the_line(name: str) -> None:
    with pytest.raises(ConfigError, match="while a tape is recorded") as caught:
        record(READS[name], Value(1.0))
    line = READS[name].__code__.co_firstlineno
    assert f"{__file__}, line {line}, reads" in caught.value.problem
    assert name in caught.value.problem
    assert Value(1.0).data == 1.0, "a number can be read again"


def test_what_cannot_be_recorded_is_refused() -> None:
    with pytest.raises(ConfigError, match="returned float 1"):
        record(lambda x: 1.0, 2.0)
    with pytest.raises(ConfigError, match="returned list"):
        record(lambda x: [], 2.0)
    for ragged in ([[1.0], [1.0, 2.0]], [1.0, [2.0]]):
        with pytest.raises(ShapeError, match="different lengths"):
            record(lambda x: x[0][0], ragged)
    w = Value(1.0)
    with pytest.raises(ConfigError, match="twice"):
        record(lambda x: x * w, 1.0, parameters=[w, w])
    with pytest.raises(ConfigError, match="being recorded already"):
        record(lambda x: x * record(lambda y: y, 1.0).n_nodes, 1.0)
    with pytest.raises(DomainError, match=r"log\(x=0.0\)"):
        record(lambda x: x.log(), Value(0.0, label="x"))
    with pytest.raises(TypeError, match="one real number"):
        record(lambda x: x, "1")


def test_a_tape_is_saved_without_pickle_and_comes_back_the_same(tmp_path: Path) -> None:
    model = MLP(2, [3, 1])
    tape = record(model, [0.5, -1.0], parameters=model.parameters())
    path = tmp_path / "net.safetensors"
    tape.save(path)
    again = Tape.load(path)
    assert str(again) == str(tape)
    assert "w0" in str(again)
    assert Replay(again).forward([2.0, 1.0]) == Replay(tape).forward([2.0, 1.0])
    assert again.parameters == ()
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_damaged_tape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tape.safetensors"
    with pytest.raises(RunError, match="There is no"):
        Tape.load(path)
    with pytest.raises(RunError, match="cannot be written"):
        softmax_tape().save(tmp_path / "nowhere" / "tape.safetensors")
    softmax_tape().save(path)
    with safe_open(path, framework="np") as file:
        header, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    forward = arrays | {"a": arrays["a"][::-1].copy()}
    short = arrays | {"b": arrays["b"][:-1]}
    unknown = {"zth": header["zth"].replace("detach", "explode")}
    for contents, metadata in ((forward, header), (short, header), (arrays, unknown), (arrays, {})):
        save_file(contents, path, metadata=metadata)
        with pytest.raises(RunError, match="is no tape"):
            Tape.load(path)
    path.write_bytes(b"not a tape")
    with pytest.raises(RunError, match="is no tape"):
        Tape.load(path)


def test_a_tape_is_printed_in_part_and_drawn_whole() -> None:
    tape = record(lambda xs: sum(xs, Value(0.0)), [1.0] * 200)
    lines = str(tape).splitlines()
    assert len(lines) == 102
    assert lines[50] == "... 301 more"
    little = record(lambda x: (x * 2).tanh(), Value(1.0, label="x"))
    values = little.values()
    values[little.outputs[0]].backward()
    assert 'label="x | data 1 | grad 0.1413"' in dot(values[little.outputs[0]])
    assert [v.data for v in little.values([0.0, 2.0])][-1] == 0.0
