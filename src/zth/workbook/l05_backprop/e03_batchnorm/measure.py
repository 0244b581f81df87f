"""5.3: BatchNorm's gradient in one expression against seven steps and autograd; what its terms take away; Bessel.

Letters: n examples, H units.
"""

from __future__ import annotations

from statistics import mean

import plotly.graph_objects as go
import torch
from torch import Tensor

from zth.backprop import atoms, fused
from zth.backprop.atoms import EPS, Intermediates, Parameters
from zth.seeds import stream
from zth.workbook.l02_bigrams.costs import one_thread, seconds
from zth.workbook.l05_backprop.differences import BATCH, batch, compare
from zth.workbook.measure import Lab
from zth.workbook.names import parts

GRAPH, LONG, FUSED = "autograd", "seven steps", "one expression"
WAYS = (GRAPH, LONG, FUSED)
ORANGE, GREY, BLUE = "#e8710a", "#808080", "#4c8bf5"


def measure(lab: Lab) -> None:
    lab.corpus("names")
    lab.run.text(
        "Back through BatchNorm in one expression: `dhprebn = bngain * bnvar_inv * (dhpreact - sum(dhpreact) / n - "
        "bnraw * sum(dhpreact * bnraw) / (n - 1))`. **How near does it come to autograd, what does it save, and what "
        "do its three terms do?** The net is lecture 5's, untrained, on batches of 32 examples."
    )
    with one_thread():
        apart = _compare(lab)
        taken_away = _show_terms(lab)
        _leave_bessel_out(lab)
    share = _time(lab)
    lab.run.text(
        f"**Answer.** The one expression lies {apart:.1g} from autograd, a last digit of float32, and takes "
        f"{100 * share:.0f} % of the time of the seven steps. Its second and third term take away what would only "
        "shift a unit or stretch it. BatchNorm undoes both, so neither can lower the loss. Here these two directions "
        f"of {BATCH} held {100 * taken_away:.0f} % of the gradient's square; by chance it would be "
        f"{100 * 2 / BATCH:.0f} %."
    )


def long_way(t: Intermediates, dhpreact: Tensor) -> Tensor:
    """From dhpreact to dhprebn by 5.1's seven functions."""
    dbnraw = atoms.dbnraw(dhpreact, t.bngain)
    dbnvar = atoms.dbnvar(atoms.dbnvar_inv(dbnraw, t.bndiff), t.bnvar)
    dbndiff = atoms.dbndiff(dbnraw, t.bnvar_inv, t.bndiff, atoms.dbndiff2(dbnvar, t.bndiff2))
    return atoms.dhprebn(dbndiff, atoms.dbnmeani(dbndiff))


def normalised(hprebn: Tensor) -> tuple[Tensor, Tensor]:
    """(n, H) -> bnraw (n, H), bnvar_inv (1, H), as in `atoms.forward`."""
    var, mean = torch.var_mean(hprebn, 0, keepdim=True)
    bnvar_inv = (var + EPS) ** -0.5
    return (hprebn - mean) * bnvar_inv, bnvar_inv


def _gradients(t: Intermediates) -> tuple[dict[str, Tensor], Tensor]:
    """dhprebn each way; the truth, in float64 from the same numbers."""
    dhpreact, by_graph = torch.autograd.grad(t.loss, [t.hpreact, t.hprebn])
    with torch.no_grad():
        short = fused.dhprebn(dhpreact, t.bngain, t.bnraw, t.bnvar_inv)
        truth = fused.dhprebn(dhpreact.double(), t.bngain.double(), *normalised(t.hprebn.double()))
        return {GRAPH: by_graph, LONG: long_way(t, dhpreact), FUSED: short}, truth


def _compare(lab: Lab) -> float:
    """Each batch's largest difference from autograd, and in float32 from the truth; -> ours from autograd."""
    # neighbours in float32 are 1e-9 apart where an entry is 0.01, as the largest ones are here
    apart = compare(lab, "dhprebn", _gradients, ours=FUSED, reference=1e-9, tolerance=1e-9)
    lab.run.text(
        "The truth is the one expression in float64, from float32's dhpreact and hprebn. Unlike in 5.2, the "
        "short way is no nearer to it: both share the rounding of bnraw in the forward pass."
    )
    return mean(apart.float32[FUSED])


def _show_terms(lab: Lab) -> float:
    """What each term takes away from the gradient; -> the share of its square that both take together."""
    t = batch(Parameters.draw(stream(lab.seed, "init")), stream(lab.seed, "batches"))
    (dhpreact,) = torch.autograd.grad(t.loss, t.hpreact)
    direct = (t.bngain * t.bnvar_inv * dhpreact).detach().double()
    bnraw, _ = normalised(t.hprebn.detach().double())
    by_mean = direct.mean(0).expand_as(direct)
    by_variance = bnraw * (direct * bnraw).sum(0) / (BATCH - 1)
    left = direct - by_mean - by_variance
    squares = {"the mean's term": by_mean, "the variance's term": by_variance, "what is left": left}
    shares = {name: (table**2).sum(0) / (direct**2).sum(0) for name, table in squares.items()}
    _plot_shares(lab, shares)
    # the unit whose gradient loses most, half and half: there the picture tells most
    unit = int((shares["the mean's term"] * shares["the variance's term"]).argmax())
    _plot_unit(lab, unit, bnraw[:, unit], direct[:, unit], left[:, unit])
    whole = (direct**2).sum()
    kept = float((left**2).sum() / whole)
    rest = sum((table**2).sum() for table in squares.values()) / whole
    name = "the three parts' squares, over the gradient's"
    lab.run.figure(name, float(rest), reference=1, source="Pythagoras", tolerance=1e-4)  # eps bends the right angle
    lab.run.figure("largest sum of dhprebn over the examples", left.sum(0).abs().max().item())
    return 1 - kept


def _plot_unit(lab: Lab, unit: int, bnraw: Tensor, direct: Tensor, left: Tensor) -> None:
    """One unit's gradient against bnraw, and the straight line that BatchNorm takes out."""
    ends = torch.tensor([bnraw.min(), bnraw.max()])
    line = direct.mean() + ends * (direct * bnraw).sum() / (BATCH - 1)
    figure = go.Figure()
    figure.add_scatter(
        name="direct road", x=bnraw.tolist(), y=direct.tolist(), mode="markers", marker={"color": BLUE}
    )
    figure.add_scatter(
        name="mean's and variance's terms", x=ends.tolist(), y=line.tolist(), mode="lines", line={"color": GREY}
    )
    figure.add_scatter(
        name="dhprebn, what is left",
        x=bnraw.tolist(),
        y=left.tolist(),
        mode="markers",
        marker={"color": ORANGE, "symbol": "diamond-open"},
    )
    figure.update_layout(height=380)
    figure.update_xaxes(title=f"bnraw of unit {unit}")
    figure.update_yaxes(title="gradient", exponentformat="power")
    lab.run.plot(
        "What is left is what a straight line leaves",
        figure,
        f"Unit {unit}, {BATCH} examples. The mean's term is the height of the line at 0, the variance's term its "
        "slope: together the best line through the points. The gradient before BatchNorm is the distance from it.",
    )


def _plot_shares(lab: Lab, shares: dict[str, Tensor]) -> None:
    order = shares["what is left"].argsort()
    figure = go.Figure()
    for (name, share), colour in zip(shares.items(), (BLUE, GREY, ORANGE), strict=True):
        figure.add_bar(
            name=name,
            x=list(range(1, len(order) + 1)),
            y=(100 * share[order]).tolist(),
            customdata=order.tolist(),
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate="unit %{customdata}: %{y:.0f} %",
        )
    figure.update_layout(barmode="stack", height=360, bargap=0)
    figure.update_xaxes(title="units, by what is left")
    figure.update_yaxes(title="share of the square (%)", range=[0, 100])
    lab.run.plot(
        "What each term takes of every unit's gradient",
        figure,
        "The three parts stand at right angles to each other, so their squares add up to the whole (but for eps).",
    )


def _leave_bessel_out(lab: Lab) -> None:
    """What is left of a gradient with n - 1 in the variance's term, and with n, by batch size."""
    H = 1_000
    rows = []
    for n in (2, 3, 4, 8, 32, 128):
        g = stream(lab.seed, f"bessel {n}")
        dy, x = torch.randn(n, H, generator=g).double(), torch.randn(n, H, generator=g).double()
        bnraw, ones = normalised(x)[0], torch.ones(1, H).double()
        right, wrong = (fused.dhprebn(dy, ones, bnraw, ones, bessel=bessel) for bessel in (True, False))
        left, invented = (float((d.norm(dim=0) / dy.norm(dim=0)).median()) for d in (right, wrong - right))
        lab.run.log(n=n, left=left, error_without_bessel=invented)
        rows.append([n, *(f"{100 * share:.2g} %" for share in (left, invented))])
    columns = ["examples", "left of the direct road", "error with n in place of n - 1"]
    lab.run.table(
        f"Bessel's correction, by the size of the batch; random numbers, median of {H:,} units", columns, rows
    )
    lab.run.text(
        "With two examples nothing of the gradient is left but what eps lets through, since any two numbers are "
        "normalised to the same two; with n in place of n - 1 there is a gradient where none can be. With 32 the "
        "slip is too small to be seen in a loss: only a check finds it."
    )


def _time(lab: Lab) -> float:
    """From dhpreact to dhprebn, both ways; -> the time of FUSED / LONG at the lecture's size."""
    shapes = [(32, 64), (32, 200)] if lab.quick else [(32, 64), (32, 200), (1_024, 200), (1_024, 1_024)]
    rows, shares = [], []
    for n, H in lab.track(shapes, "shapes"):
        t, dhpreact = _layer(n, H, stream(lab.seed, "times"))

        def by_graph(t: Intermediates = t, dhpreact: Tensor = dhpreact) -> Tensor:
            return torch.autograd.grad(t.hpreact, t.hprebn, dhpreact, retain_graph=True)[0]

        def by_steps(t: Intermediates = t, dhpreact: Tensor = dhpreact) -> Tensor:
            with torch.no_grad():
                return long_way(t, dhpreact)

        def at_once(t: Intermediates = t, dhpreact: Tensor = dhpreact) -> Tensor:
            with torch.no_grad():
                return fused.dhprebn(dhpreact, t.bngain, t.bnraw, t.bnvar_inv)

        ways = {GRAPH: by_graph, LONG: by_steps, FUSED: at_once}
        taken = seconds(ways, rounds=200 if n * H < 100_000 else 20)
        shares.append(taken[FUSED] / taken[LONG])
        rows += [[f"{n:,} × {H:,}", way, 1e6 * taken[way], taken[way] / taken[FUSED]] for way in ways]
        lab.run.log(n=n, H=H, **taken)
    columns = ["shape", "way", "time (µs)", "times the one expression's"]
    lab.run.table("From dhpreact to dhprebn, float32, one thread: median time", columns, rows)
    lab.run.figure("time: seven steps / one expression", 1 / shares[0], unit="x", better="higher")
    return shares[0]


def _layer(n: int, H: int, g: torch.Generator) -> tuple[Intermediates, Tensor]:
    """A net whose BatchNorm has this size, forward, with autograd's graph; a random dhpreact."""
    parameters = Parameters(*(p.requires_grad_() for p in Parameters.draw(g, hidden=H)))
    X, Y = parts(3).train
    return atoms.forward(parameters, X[:n], Y[:n]), torch.randn(n, H, generator=g)
