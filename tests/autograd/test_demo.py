import gc

from zth.autograd.demo import objective, train
from zth.autograd.nn import MLP
from zth.data.moons import moons


def test_the_moons_are_told_apart_within_100_steps() -> None:
    # lecture 1: MLP(2, [16, 16, 1]) on 100 points comes to 100 % training accuracy
    points, labels = moons(100, noise=0.1)
    history = []
    for progress in train(MLP(2, [16, 16, 1]), points.tolist(), labels.tolist(), steps=100):
        history.append(progress)
        if progress.accuracy == 1.0:
            break
    assert history[-1].accuracy == 1.0
    assert history[-1].loss < 0.1 < history[0].loss
    assert [p.step for p in history] == list(range(len(history)))


def test_the_objective_is_hinge_plus_squares() -> None:
    model = MLP(1, [1])
    (w, b) = model.parameters()
    w.data, b.data = 3.0, -1.0
    scores = [model([x]) for x in (1.0, 0.5)]  # 2 and 0.5
    assert objective(model, scores, [1, -1]).data == 0.75 + 1e-4 * 10


def test_arrays_are_taken_as_they_are_and_progress_is_plain() -> None:
    points, labels = moons(4, noise=0.0)
    (progress,) = train(MLP(2, [1]), points, labels, steps=1)  # type: ignore[arg-type]
    assert [type(x) for x in progress] == [int, float, float]


def test_the_collector_is_on_again_between_steps() -> None:
    assert gc.isenabled()
    for _ in train(MLP(1, [1]), [[1.0]], [1], steps=2):
        assert gc.isenabled()
    gc.disable()
    try:
        list(train(MLP(1, [1]), [[1.0]], [1], steps=1))
        assert not gc.isenabled()
    finally:
        gc.enable()
