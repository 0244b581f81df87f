"""5.1: the rules against autograd on both nets, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from zth.backprop.atoms import Parameters, forward
from zth.compare import FLOAT64, LECTURE_5, difference, largest_difference
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l05_backprop.e01_every_intermediate import check
from zth.workbook.l05_backprop.e01_every_intermediate.wrong_rules import WRONG_RULES
from zth.workbook.measure import measure
from zth.workbook.verdict import Verdict

EXERCISE = get("5.1")
LECTURE_STYLE = (EXERCISE.folder / "right" / "lecture_style.py").read_text()


@pytest.fixture
def verdict_on(tmp_path: Path, jail: Jail):
    """verdict_on((old, new), ...) -> the verdict on the lecture's lines with these changes."""

    def run(*changes: tuple[str, str], text: str = LECTURE_STYLE) -> Verdict:
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / EXERCISE.file_name
        path.write_text(text)
        return judge(EXERCISE, path, jail)

    return run


def states(verdict: Verdict) -> dict[str, str]:
    """What is not right: the mistake that was recognised, or the state."""
    return {part.name: part.mistake.partition(": ")[2] or part.state for part in verdict.parts if not part.ok}


def test_the_experiment_meets_the_lecture(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert [figure.name for figure in held] == [f"float{n}: worst difference of the 26" for n in (32, 64)]
    assert all(figure.ok for figure in held)
    assert figures["float64: worst difference of the 26"].value < 1e-15
    tables = [block for block in record.blocks if block["kind"] == "table"]
    assert [row[0] for row in tables[0]["rows"]] == [name[1:] for name in check.RULES]
    assert [block["kind"] for block in record.blocks].count("plot") == 2


def by_autograd(net: int) -> dict[str, torch.Tensor]:
    """The gradients of one of the check's nets, by torch."""
    t = check.nets()[net][1]
    leaves = Parameters(*(t[name].clone().requires_grad_() for name in Parameters._fields))
    again = forward(leaves, t["xb"], t["yb"])
    if net == 1:
        again = check.never_seen(again)
    assert difference(again.loss, t["loss"], FLOAT64) is None
    names = [name[1:] for name in check.RULES]
    return dict(zip(names, torch.autograd.grad(again.loss, [getattr(again, name) for name in names]), strict=True))


@pytest.mark.parametrize("net", [0, 1])
def test_what_is_asked_for_is_what_autograd_says(net: int) -> None:
    t = check.nets()[net][1]
    got = check.backward_with({})(**t)
    for name, wanted in by_autograd(net).items():
        assert difference(got[name], wanted, FLOAT64) is None, name


def test_only_in_the_second_net_something_comes_back_through_the_maximum() -> None:
    first, second = (by_autograd(net)["logit_maxes"].abs() for net in (0, 1))
    assert first.max() < 1e-15
    assert second.min() > 1e-4


def test_the_batch_has_letters_more_than_once() -> None:
    xb = check.nets()[0][1]["xb"]
    assert len(xb) == 32
    letters = torch.bincount(xb.flatten(), minlength=27)[1:]
    assert (letters > 1).sum() > 5
    assert any(len(set(row) - {0}) < sum(x != 0 for x in row) for row in xb.tolist()), "and twice in one context"


def test_the_solutions_rules_are_the_librarys_backward() -> None:
    t = check.nets()[0][1]
    ours = check.solution.backward(**t)
    for name, value in check.backward_with({})(**t).items():
        assert value is not None
        assert largest_difference(value, ours[name]) == 0.0


def test_no_two_mistakes_look_alike() -> None:
    """`prove` judges each by itself; here every line's mistakes are told from each other on both nets."""
    seen: dict[str, list[tuple[str, list[torch.Tensor]]]] = {}
    for wrong in WRONG_RULES:
        made = []
        for _, t in check.nets():
            given = {f"d{name}": value for name, value in check.backward_with({})(**t).items()}
            made.append(check.made_by(wrong.rule, given, t))
        for other, others in seen.setdefault(wrong.of, []):
            alike = all(difference(a, b, LECTURE_5) is None for a, b in zip(made, others, strict=True))
            assert not alike, (wrong.of, wrong.name, other)
        seen[wrong.of].append((wrong.name, made))
    assert set(check.RULES) - set(seen) == {"dh", "dembcat"}, "which with other shapes than the right ones raise"


def test_the_first_lines_are_judged_before_the_others_are_written(verdict_on) -> None:
    stub = EXERCISE.stub.read_text()
    verdict = verdict_on(
        ("dlogprobs = None", "dlogprobs = torch.zeros_like(logprobs); dlogprobs[range(n), yb] = -1.0 / n"),
        ("dprobs = None", "dprobs = dlogprobs / probs"),
        ("dcounts_sum_inv = None", "dcounts_sum_inv = (dprobs * counts).sum(1)"),
        text=stub,
    )
    assert [part.state for part in verdict.parts[:2]] == ["passed", "passed"]
    assert states(verdict)["dcounts_sum_inv"] == "keepdim"
    assert {part.state for part in verdict.parts[3:]} == {"unwritten"}
    assert "`dcounts_sum`" in verdict.parts[3].says


@pytest.mark.parametrize(
    ("old", "new", "name", "mistake"),
    [
        ("-1.0 / n\n", "-1.0\n", "dlogprobs", "1/n forgotten"),
        ("dlogprobs[range(n), yb]", "dlogprobs[:, yb]", "dlogprobs", "every target in every row"),
        ("dcounts += torch.ones_like(counts) * dcounts_sum", "pass", "dcounts", "second path forgotten"),
        ("dcounts += torch", "dcounts = torch", "dcounts", "first path forgotten"),
        ("(counts * dprobs).sum(1, keepdim=True)", "(counts * dprobs).sum(1)", "dcounts_sum_inv", "keepdim"),
        ("(counts * dprobs).sum(1, keepdim=True)", "counts * dprobs", "dcounts_sum_inv", "not summed"),
        ("dnorm_logits.clone()", "dnorm_logits", "dnorm_logits", "changed by dlogits"),
        ("(-dnorm_logits).sum(1, keepdim=True)", "torch.zeros(n, 1)", "dlogit_maxes", "set to 0"),
        ("(-dnorm_logits)", "(dnorm_logits)", "dlogit_maxes", "minus forgotten"),
        (
            "F.one_hot(logits.max(1).indices, num_classes=logits.shape[1]) * dlogit_maxes",
            "dlogit_maxes",
            "dlogits",
            "maximum given to the whole row",
        ),
        ("dlogits.sum(0)", "dlogits.sum(0, keepdim=True)", "db2", "keepdim where there is none"),
        ("dlogits.sum(0)", "dlogits", "db2", "not summed"),
        ("1.0 - h**2", "1.0 - hpreact**2", "dhpreact", "of hpreact instead of h"),
        ("(bnraw * dhpreact).sum(0, keepdim=True)", "bnraw * dhpreact", "dbngain", "not summed"),
        ("dhpreact.sum(0, keepdim=True)", "dhpreact.sum(0)", "dbnbias", "keepdim"),
        ("-1.5", "-0.5", "dbnvar", "power"),
        ("1.0 / (n - 1)", "1.0 / n", "dbndiff2", "n instead of n - 1"),
        ("    dbndiff += (2 * bndiff) * dbndiff2\n", "", "dbndiff", "second path forgotten"),
        ("dbndiff.clone()", "dbndiff", "dbndiff", "changed by dhprebn"),
        ("1.0 / n * (torch.ones_like(hprebn) * dbnmeani)", "0", "dhprebn", "second path forgotten"),
        ("dembcat.view(emb.shape)", "dembcat.view(n, emb.shape[2], -1).mT", "demb", "numbers in another order"),
        ("dC[ix] += demb[k, j]", "dC[ix] = demb[k, j]", "dC", "the last use wins"),
        (
            "            dC[ix] += demb[k, j]",
            "            pass\n    dC[xb] += demb",
            "dC",
            "the last use wins",
        ),
    ],
)
def test_slips_in_a_real_file_are_named_and_no_other_line_is_blamed(
    verdict_on, old: str, new: str, name: str, mistake: str
) -> None:
    verdict = verdict_on((old, new))
    found = states(verdict)
    assert found.pop(name) == mistake
    assert set(found.values()) <= {"inherited", "unreached"}


def test_two_slips_far_apart_are_both_named(verdict_on) -> None:
    verdict = verdict_on(("1.0 / probs", "probs"), ("1.0 / (n - 1)", "1.0 / n"), ("dC[ix] +=", "dC[ix] ="))
    found = states(verdict)
    named = {name: found[name] for name in found if found[name] != "inherited"}
    assert named == {"dprobs": "times x instead of 1/x", "dbndiff2": "n instead of n - 1", "dC": "the last use wins"}
    follows = {part.name: part.follows for part in verdict.parts if part.state == "inherited"}
    assert follows["dh"] == ("dprobs",)
    assert follows["dhprebn"] == ("dprobs", "dbndiff2")


def test_a_shape_that_makes_a_later_line_raise_is_still_named(verdict_on) -> None:
    verdict = verdict_on(("(counts * dprobs).sum(1, keepdim=True)", "(counts * dprobs).sum(1)"))
    names = [part.name for part in verdict.parts[2:5]]
    assert names == ["dcounts_sum_inv", "dcounts_sum", "dcounts"]
    assert [part.state for part in verdict.parts[2:6]] == ["wrong", "inherited", "inherited", "unreached"]
    assert verdict.parts[4].got.startswith("RuntimeError: The size of tensor a (27)")
    assert verdict.parts[4].place.endswith("in backward: dcounts += torch.ones_like(counts) * dcounts_sum")


def test_sizes_written_as_numbers_are_found_in_the_second_net(verdict_on) -> None:
    verdict = verdict_on(("n = len(yb)", "n = 32"))
    first = verdict.first_failure
    assert first is not None
    assert (first.name, first.state) == ("dlogprobs", "raised")
    assert "the second net" in first.call


def test_an_equal_but_fused_way_passes(verdict_on) -> None:
    fused = "dnorm_logits = (probs - F.one_hot(yb, logits.shape[1])) / n"
    assert verdict_on(("dnorm_logits = counts * dcounts", fused)).ok
