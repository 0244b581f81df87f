"""1.2: softmax and its loss from scalars, against PyTorch; then lecture 1's demo, the two moons."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from zth.autograd import Value
from zth.autograd.demo import Progress, train
from zth.autograd.functional import softmax
from zth.autograd.graph import svg
from zth.autograd.nn import MLP
from zth.autograd.plots import decision_boundary, loss_curve
from zth.compare import largest_difference
from zth.data.moons import moons
from zth.seeds import python_stream
from zth.workbook.l01_micrograd.e02_softmax.solution import nll
from zth.workbook.measure import Lab

LOGITS, LABEL = (0.0, 3.0, -2.0, 1.0), 3
COURSE = (0.0417725705, 0.8390245075, 0.0056533027, -0.8864503806)
"""The gradient that the course prints, to ten decimals."""
STEPS = 100

Points = list[list[float]]


def measure(lab: Lab) -> None:
    lab.run.text(
        "`Value` knows one number and its gradient. **Is that enough for a classifier's loss, and for a net that "
        "learns?** First softmax and the negative log-likelihood, on the course's example: "
        f"logits {', '.join(f'{x:g}' for x in LOGITS)}, and the right answer is number {LABEL}."
    )
    _example(lab)
    _random_logits(lab)
    _two_moons(lab)


def _example(lab: Lab) -> None:
    """The course's four logits: the graph, and the gradient beside the course's and PyTorch's."""
    drawn = written_out(labelled())
    drawn.backward()
    lab.run.svg(
        "From four logits to the loss, and back",
        svg(drawn, title="The graph of softmax and negative log-likelihood", down=True),
        "data is what came forward, grad what came back: blue where the loss rises with a number, orange where it "
        "falls, the stronger, the more. A thick frame is what somebody put in, a round one an operation.",
    )
    logits = [Value(x) for x in LOGITS]
    probs = softmax(logits)
    loss = nll(probs, LABEL)
    loss.backward()
    theirs = _by_torch(LOGITS, LABEL)
    lab.run.table(
        "The gradient of the loss",
        ["logit", "probability", "gradient", "by PyTorch", "gradient - probability"],
        [
            [x.data, *(f"{number:.10f}" for number in (p.data, x.grad, other)), round(x.grad - p.data, 12) + 0.0]
            for x, p, other in zip(logits, probs, theirs, strict=True)
        ],
    )
    lab.run.text(
        "The last column holds the whole rule: the gradient is the probability, less 1 at the right answer. "
        "Training pushes each wrong class down by as much as was believed of it."
    )
    for i, (x, course) in enumerate(zip(logits, COURSE, strict=True)):
        lab.run.figure(f"gradient at logit {i}", x.grad, reference=course, source="the course", tolerance=5e-11)
    lab.run.figure("loss", loss.data, unit="nats")


def labelled() -> list[Value]:
    """The example's logits, with names for pictures and tapes."""
    return [Value(x, label=f"logit {i}") for i, x in enumerate(LOGITS)]


def written_out(logits: Sequence[Value]) -> Value:
    """The loss as the exercise words it; the library's softmax also subtracts the largest logit, which a picture of
    the idea can do without."""
    counts = [x.exp() for x in logits]
    total = sum(counts[1:], counts[0])
    prob = counts[LABEL] / total
    loss = -prob.log()
    total.label, prob.label, loss.label = "sum", f"prob {LABEL}", "loss"
    return loss


def _random_logits(lab: Lab) -> None:
    """The same against PyTorch for logits that nobody has chosen."""
    rng = python_stream(lab.seed, "logits")
    n = 200 if lab.quick else 5_000
    worst = 0.0
    for _ in lab.track(range(n), "random logits"):
        numbers = [rng.uniform(-10, 10) for _ in range(rng.randint(2, 12))]
        label = rng.randrange(len(numbers))
        logits = [Value(x) for x in numbers]
        nll(softmax(logits), label).backward()
        worst = max(worst, largest_difference([x.grad for x in logits], _by_torch(numbers, label)))
    lab.run.text(f"PyTorch got {n:,} more graphs to agree with: 2 to 12 random logits and a random label each.")
    # a gradient is at most 1, and some ten operations of float64 lose a digit or two of 2e-16
    lab.run.figure("largest difference from PyTorch", worst, reference=0, source="PyTorch", tolerance=1e-13)


def _by_torch(numbers: Sequence[float], label: int) -> list[float]:
    """The gradient of the same graph in float64, by PyTorch."""
    import torch

    logits = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    loss = -logits.softmax(0)[label].log()
    (gradient,) = torch.autograd.grad(loss, logits)
    return [float(x) for x in gradient]


def _two_moons(lab: Lab) -> None:
    """The lecture's demo; the quick one stops when all points are right."""
    points, labels = (array.tolist() for array in moons(100, noise=0.1))  # the same points for every seed
    model = MLP(2, [16, 16, 1], rng=lab.seed)
    history, seconds = _train(lab, model, points, labels)
    lab.run.text(
        f"**Then the demo of the lecture**: {len(points)} points of two moons (noise 0.1), a net of "
        f"{len(model.parameters())} parameters, `MLP(2, [16, 16, 1])`, max-margin loss with 1e-4 of L2, a rate that "
        f"falls from 1.0 to 0.1 over {STEPS} steps."
        + (" This quick run stops when all points are right." if lab.quick else "")
    )
    lab.run.plot(
        "The loss falls, the accuracy rises",
        loss_curve([row.loss for row in history], [row.accuracy for row in history]),
        "Full batch: the loss and accuracy of all points before each step.",
    )
    resolution = 30 if lab.quick else 60
    lab.run.plot(
        "What the net thinks of each place",
        decision_boundary(lambda x, y: float(model([x, y]).data), points, labels, resolution=resolution),
        "The colour of a place is the class that the net would give it; on the line its score is 0.",
    )
    _moons_figures(lab, _accuracy(model, points, labels), history, seconds)


def _train(lab: Lab, model: MLP, points: Points, labels: list[int]) -> tuple[list[Progress], list[float]]:
    """Train, timing each step -> what each step saw, and its seconds."""
    history, seconds = [], []
    steps = train(model, points, labels, steps=STEPS)
    for _ in lab.track(range(STEPS), "two moons"):
        before = [p.data for p in model.parameters()]
        started = time.perf_counter()
        row = next(steps)
        seconds.append(time.perf_counter() - started)
        history.append(row)
        lab.run.log(step=row.step, loss=row.loss, accuracy=row.accuracy)
        if lab.quick and row.accuracy == 1:
            for p, data in zip(model.parameters(), before, strict=True):
                p.data = data  # the step has moved the net on from where all was right
            break
    return history, seconds


def _accuracy(model: MLP, points: Points, labels: list[int]) -> float:
    scores = [model(point).data for point in points]
    right = sum(1 for score, label in zip(scores, labels, strict=True) if (score > 0) == (label > 0))
    return right / len(labels)


def _moons_figures(lab: Lab, accuracy: float, history: list[Progress], seconds: list[float]) -> None:
    ms = 1000 * median(seconds)
    all_right = [row.step for row in history if row.accuracy == 1]
    figure = lab.run.figure
    figure("moons: training accuracy", 100 * accuracy, unit="%", reference=100, source="the course", better="higher")
    figure("moons: loss in the last step", history[-1].loss)
    if all_right:
        figure("moons: steps until all points are right", all_right[0])
    figure("moons: one step", ms, unit="ms")
    lab.run.text(
        f"**Answer.** It is enough. Softmax needed no formula of its own, and {accuracy:.1%} of the points end on "
        f"their right side. What scalars cost is time: {ms:.0f} ms a step (median), since each sum and each product "
        "is an object of its own."
    )
