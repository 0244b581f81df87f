import numpy as np

from zth.autograd import Value
from zth.autograd.compiled import Compiled
from zth.autograd.demo import loss_and_scores, train
from zth.autograd.nn import MLP
from zth.autograd.optim import SGD
from zth.compare import same
from zth.data.moons import moons


def test_the_moons_train_alike_by_replay() -> None:
    points, labels = moons(20, noise=0.1)
    model, twin = MLP(2, [8, 8, 1]), MLP(2, [8, 8, 1])
    wanted = list(train(model, points.tolist(), labels.tolist(), steps=15))
    found = list(train(twin.compiled(loss_and_scores), points.tolist(), labels.tolist(), steps=15))
    assert same([p.loss for p in found], [p.loss for p in wanted])
    assert [p.accuracy for p in found] == [p.accuracy for p in wanted]
    assert same([p.data for p in twin.parameters()], [p.data for p in model.parameters()]), (
        "the model itself has learnt"
    )


def test_each_shape_of_inputs_is_recorded_once_on_the_same_parameters() -> None:
    runs = []
    w = Value(1.0)

    def loss(xs: list[Value]) -> Value:
        runs.append(len(xs))
        return sum((w * x for x in xs), Value(0.0))

    compiled = Compiled(loss, [w])
    for n in (1, 2, 1, 2, 3):
        assert compiled(np.ones(n)).tolist() == [n * compiled.parameters[0]]
        assert compiled.gradients.tolist() == [n]
        SGD().step(compiled.parameters, compiled.gradients, 0.5)
    assert runs == [1, 2, 3]
    compiled.store()
    assert w.data == 1 - 0.5 * (1 + 2 + 1 + 2 + 3)


def test_parameters_that_the_loss_does_not_use_stay() -> None:
    model = MLP(1, [2, 1])
    compiled = model.compiled(lambda model, x: model.layers[0](x)[0])
    compiled([2.0])
    assert compiled.gradients.shape == (7,)
    assert not compiled.gradients[2:].any()


def test_float32() -> None:
    compiled = MLP(2, [4, 1]).compiled(lambda model, x: model(x) ** 2, dtype="float32")
    assert compiled([0.5, 1.0]).dtype == compiled.gradients.dtype == compiled.parameters.dtype == np.float32
