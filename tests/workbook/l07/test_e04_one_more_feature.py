"""7.4: the solution against torch and closed forms, what is trained, how verdicts come about, real wrong files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from zth.compare import FLOAT64, Tolerance, same
from zth.models.gpt import GPTConfig, preset
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.l07_gpt.e04_one_more_feature import ablation, measure, solution
from zth.workbook.measure import measure as run_experiment

EXERCISE = get("7.4")
SMALL = ablation.Place(corpus="names", vocab_size=27, block_size=16, batch_size=4, steps=3, dev_rows=20)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(74), dtype=torch.float64)


# ----- the solution ---------------------------------------------------------------------------------------------


def test_a_turned_pair_has_the_sines_and_cosines_of_its_place() -> None:
    x = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64).expand(1, 1, 3, 4)
    wanted = [[math.cos(t), math.sin(t), -math.sin(t / 10), math.cos(t / 10)] for t in range(3)]
    assert same(solution.rotary(x, base=100.0)[0, 0], wanted, FLOAT64)


def test_scores_of_turned_vectors_depend_on_the_distance_alone() -> None:
    q, k = (normal(1, 2, 1, 8).expand(1, 2, 9, 8).contiguous() for _ in range(2))
    scores = solution.rotary(q) @ solution.rotary(k).mT
    for distance in range(-8, 9):
        diagonal = scores[0].diagonal(distance, 1, 2)
        assert same(diagonal, diagonal[:, :1].expand_as(diagonal), FLOAT64)


def test_the_norm_is_torchs() -> None:
    x = normal(3, 5, 8)
    assert same(solution.rms_norm(x), F.rms_norm(x, (8,), eps=1e-5), FLOAT64)


def test_the_mlps_gates_are_torchs() -> None:
    x = normal(3, 8)
    assert same(solution.swiglu(x), F.silu(x[:, :4]) * x[:, 4:], FLOAT64)
    assert same(solution.squared_relu(x), F.relu(x) ** 2, FLOAT64)


@pytest.mark.parametrize("window", [1, 3, 6])
def test_attention_is_torchs_kernel_with_groups_and_a_band(window: int) -> None:
    q, k, v = normal(2, 4, 6, 8), normal(2, 2, 6, 8) + 1, normal(2, 2, 6, 8) - 1
    apart = torch.arange(6)[:, None] - torch.arange(6)
    mask = (apart >= 0) & (apart < window)
    assert torch.equal(solution.window_mask(6, window), mask)
    turned = (solution.rotary(F.rms_norm(x, (8,), eps=1e-5)) for x in (q, k))
    wanted = F.scaled_dot_product_attention(*turned, v, attn_mask=mask, enable_gqa=True)
    assert same(solution.attention(q, k, v, window), wanted, FLOAT64)


def test_the_iteration_moves_singular_values_by_its_polynomial_and_keeps_the_directions() -> None:
    G = normal(3, 5)
    U, S, Vh = torch.linalg.svd(G, full_matrices=False)
    s = S / S.square().sum().sqrt()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    # the library adds 1e-7 to the size, and five rounds make that larger
    assert same(solution.orthogonalise(G), U @ torch.diag(s) @ Vh, Tolerance(absolute=1e-5))


def test_the_cap_leaves_small_logits_and_bounds_large_ones() -> None:
    logits = torch.tensor([1e-4, 1e3, -1e3], dtype=torch.float64)
    assert same(solution.softcap(logits, 15.0), [1e-4, 15.0, -15.0], Tolerance(absolute=1e-12))


# ----- what is trained ------------------------------------------------------------------------------------------


def test_the_base_is_the_lectures_architecture_in_small() -> None:
    options = ablation.variant_of().model(SMALL, 1).options
    sizes = {"layers": 2, "heads": 4, "width": 64, "block_size": 16, "dropout": 0.0}
    assert options == preset("lecture", vocab_size=27, **sizes)


@pytest.mark.parametrize("name", list(ablation.FEATURES))
def test_each_feature_changes_one_thing(name: str) -> None:
    base, variant = ablation.variant_of(), ablation.variant_of(name)
    before, after = (vars(each.model(SMALL, 1).options) for each in (base, variant))
    changed = [field for field in before if before[field] != after[field]]
    assert len(changed) + (variant.optimizer != base.optimizer) == 1


def test_all_together_has_every_feature_but_the_second_mlp() -> None:
    everything = ablation.alone()[-1]
    options = everything.model(SMALL, 1).options
    assert everything.optimizer == "muon"
    assert options == GPTConfig(
        **{
            **vars(preset("lecture", vocab_size=27, layers=2, heads=4, width=64, block_size=16, dropout=0.0)),
            "positions": "rotary",
            "norm": "rmsnorm",
            "mlp": "relu2",
            "kv_heads": 2,
            "qk_norm": True,
            "tie_weights": True,
            "window": 4,
            "softcap": 15.0,
            "output_init": "zero",
        }
    )


def test_less_one_leaves_that_one_out() -> None:
    everything = dict(ablation.alone()[-1].changes)
    less = {variant.name: variant.changes for variant in ablation.all_but_one()}
    assert list(less) == list(ablation.FEATURES)
    for name, changes in less.items():
        (key,) = ablation.FEATURES[name]
        if name == ablation.GATED:
            assert changes == {**everything, "mlp": "swiglu"}
        else:
            assert changes == {other: value for other, value in everything.items() if other != key}


def test_a_training_is_told_by_its_seed() -> None:
    muon = ablation.variant_of("Muon")
    first, again, other = (ablation.dev_loss(SMALL, muon, 3, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_steps_are_timed_for_every_variant() -> None:
    taken = ablation.step_seconds(SMALL, [ablation.variant_of(), ablation.variant_of("Muon")], seed=1, rounds=1)
    assert set(taken) == {"the base", "Muon"}
    assert min(taken.values()) > 0


# ----- the story ------------------------------------------------------------------------------------------------


def test_differences_are_taken_seed_by_seed() -> None:
    losses = {"base": [2.0, 3.0, 4.0], "better": [1.5, 2.5, 3.5], "noisy": [1.0, 3.0, 5.0]}
    found = measure.compared(losses, "base")
    assert found["better"].difference == pytest.approx(-0.5)
    assert found["better"].error == pytest.approx(0.0, abs=1e-12)
    assert found["noisy"].error == pytest.approx(1 / math.sqrt(3))
    assert found["better"].typical == pytest.approx(1 / math.sqrt(3) / 2)


@pytest.mark.parametrize(
    ("difference", "error", "typical", "verdict"),
    [
        (-0.03, 0.01, 0.01, "helps"),
        (0.03, 0.01, 0.01, "hurts"),
        (-0.019, 0.01, 0.01, "no clear difference"),
        (-0.03, 0.02, 0.01, "no clear difference"),
        (0.03, 0.001, 0.02, "no clear difference"),  # three seeds that agree by luck
    ],
)
def test_a_verdict_needs_two_standard_errors(difference: float, error: float, typical: float, verdict: str) -> None:
    assert measure.Compared(difference=difference, error=error, typical=typical).verdict == verdict


def test_the_quick_ablation_tells_its_story(tmp_path: Path) -> None:
    record = read(run_experiment(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    (table,) = [block for block in record.blocks if block["kind"] == "table"]
    assert [row[0] for row in table["rows"]] == ["the base", *measure.QUICK_FEATURES, "all together"]
    figures = {figure.name: figure.value for figure in record.figures}
    # the one feature that so few steps show beyond doubt
    assert figures["names, equal steps: the best alone, Muon"] < -0.03
    assert figures["names, equal steps: dev, all together"] < figures["names, equal steps: dev, the base"]
    assert record.blocks[-1]["markdown"].startswith("**Answer.**")


def test_the_full_ablation_has_its_three_tables_for_each_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a size that takes a second: every training replaced by a loss that its options and its seed decide."""
    monkeypatch.setattr(measure, "dev_loss", _made_up)
    monkeypatch.setattr(measure, "step_seconds", lambda place, variants, seed: {v.name: 0.01 for v in variants})
    monkeypatch.setattr(measure, "SHAKESPEARE", measure.NAMES)
    monkeypatch.setattr(measure.Lab, "parallel", lambda lab, function, jobs, what: [function(*job) for job in jobs])
    record = read(run_experiment(EXERCISE, preset="full", seed=1, root=tmp_path).folder)
    tables = [block for block in record.blocks if block["kind"] == "table"]
    assert len(tables) == 2 * 3
    rates, single, less = tables[:3]
    assert [len(each["rows"]) for each in (rates, single, less)] == [9, 13, 12]
    verdicts = {row[0]: (row[3], row[7]) for row in single["rows"]}
    assert verdicts["Muon"] == ("helps", "helps")
    assert verdicts["soft cap"] == ("hurts", "hurts")
    missed = {row[0]: row[3] for row in less["rows"]}
    assert missed["without Muon"] == "helps"
    assert missed["without soft cap"] == "hurts"
    assert missed["without RMSNorm"] == "no clear difference"


def _made_up(place: ablation.Place, variant: ablation.Variant, steps: int, seed: int) -> float:
    del steps
    noise = 0.01 * math.sin(7 * seed + len(str(variant.changes)))
    return 2 - 0.3 * (variant.optimizer == "muon") + 0.3 * ("softcap" in variant.changes) + noise + 0 * place.steps


# ----- the check ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("as_the_papers", "(2 * i / D)", "(i / D)", "the exponent without its 2"),
        ("as_the_papers", "-x[..., 1::2], x[..., 0::2]", "x[..., 1::2], -x[..., 0::2]", "turned the other way"),
        ("numpy_and_loops", "- b * math.sin", "+ b * math.sin", "no minus in the turn"),
        ("as_the_papers", "eps=eps, elementwise_affine", "eps=0, elementwise_affine", "eps forgotten"),
        ("as_the_papers", "torch.where(x > 0, x**2, 0.0)", "x**2", "squared without the relu"),
        (
            "as_the_papers",
            "(apart >= 0) & (apart < window)",
            "abs(apart) < window",
            "the window without the causal mask",
        ),
        ("as_the_papers", "apart < window", "apart <= window", "the window one too long"),
        ("as_the_papers", " / D**0.5", "", "no scale"),
        ("complex_and_fused", "rms_norm(k)), v,", "rms_norm(k)), rotary(v),", "values turned too"),
        ("as_the_papers", "    logits = logits / cap\n", "", "not divided by the cap"),
        ("as_the_papers", "    return logits * cap", "    return logits", "not multiplied by the cap"),
        ("as_the_papers", "G / (G.norm() + 1e-7)", "G", "not divided by its size first"),
        (
            "complex_and_fused",
            "torch.arange(n_heads) // (n_heads // G)",
            "torch.arange(n_heads) % G",
            "groups in turns",
        ),
        ("complex_and_fused", "attn_mask=seen", "is_causal=True", "the causal mask without the window"),
        ("complex_and_fused", "for _ in range(5)", "for _ in range(1)", "one round"),
        ("numpy_and_loops", "2 * i / x.shape[3]", "4 * i / x.shape[3]", "the 2 counted twice"),
        ("numpy_and_loops", "np.mean(x**2", "np.sum(x**2", "divided by the length"),
        ("numpy_and_loops", "np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)", "np.std(x)", None),
        ("numpy_and_loops", "gate / (1 +", "1 / (1 +", "sigmoid in the place of silu"),
        ("numpy_and_loops", "s <= window - 1", "s < window - 1", "the window one too short"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str | None) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == (mistake or "")


def test_where_counting_begins_and_which_comes_first_is_free(slip) -> None:
    assert slip(EXERCISE, "numpy_and_loops", "angle = t *", "angle = (t + 5) *").ok
    assert slip(
        EXERCISE,
        "as_the_papers",
        "rms_norm(rotary(q)), rms_norm(rotary(k))",
        "rotary(rms_norm(q)), rotary(rms_norm(k))",
    ).ok
