"""One step of training, part by part: losses, weight decay, averages, clipping, autocast, sums."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")

from torch import Tensor, testing  # noqa: E402

from cnnspec import parse  # noqa: E402
from cnnspec.analysis.learning import Regime  # noqa: E402
from cnnspec.runtime.train.learner import Learner  # noqa: E402
from cnnspec.runtime.train.loss import loss, one, scores  # noqa: E402
from cnnspec.runtime.train.optimizer import optimizer  # noqa: E402
from cnnspec.runtime.train.run import train  # noqa: E402
from tests.runtime.training import SMALL, WHOLE, Diary, images, never, setup  # noqa: E402

AUXILIARY = """block head = GAP -> FC(4) -> OUTPUT(aux, train_only=on); ID
net n = INPUT(1x8x8) -> CONV(6) -> RELU -> head -> CONV(8) -> RELU -> GAP -> FC(4)"""


def learner(spec: str = WHOLE, **regime: Any) -> tuple[Learner, Tensor, Tensor]:
    """A learner before its first step, and a batch."""
    made = setup(spec, **regime)
    torch.manual_seed(made.regime.seed)
    pixels, labels = made.feed.train(torch.arange(16), 0)
    return Learner(made.begin().module, made.regime, made.team), pixels, labels


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Scores of 5 images for 4 classes, and labels."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(5, 4, generator=chance) * 2, torch.randint(4, (5,), generator=chance)


# ------------------------------------------------------------------------------------------------------ losses


def test_the_hinge_is_that_of_its_formula() -> None:
    found, labels = batch()
    expected = 0.0
    for row, label in zip(found.tolist(), labels.tolist(), strict=True):
        expected += sum(max(0.0, 1 + score - row[label]) for at, score in enumerate(row) if at != label) / 4
    assert float(one(found, labels, Regime(loss="hinge"))) == pytest.approx(expected / 5, rel=1e-6)
    apart = torch.eye(4)[labels] * 2
    assert float(one(apart, labels, Regime(loss="hinge"))) == 0, "all of them are apart by more than 1"


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_cross_entropy_with_smoothed_labels_is_that_of_its_formula(smoothing: float) -> None:
    found, labels = batch()
    wanted = torch.full((5, 4), smoothing / 4)
    wanted[torch.arange(5), labels] += 1 - smoothing
    expected = -(wanted * found.log_softmax(1)).sum(1).mean()
    assert float(one(found, labels, Regime(smoothing=smoothing))) == pytest.approx(float(expected), rel=1e-6)


def test_scores_may_have_extents_of_1_and_less_precision() -> None:
    found, labels = batch()
    assert torch.equal(one(found.view(5, 4, 1, 1), labels, Regime()), one(found, labels, Regime()))
    assert one(found.bfloat16(), labels, Regime()).dtype == torch.float32


REGIMES: list[dict[str, Any]] = [{}, {"loss": "hinge"}, {"smoothing": 0.1}, {"further": 0.0}, {"further": 1.0}]


@pytest.mark.parametrize("regime", REGIMES, ids=str)
def test_further_outputs_count_as_much_as_the_regime_says(regime: dict[str, Any]) -> None:
    made, pixels, labels = learner(AUXILIARY, **regime)
    with torch.no_grad():
        outputs = made.module.train()(pixels)
    main, further = (float(one(output, labels, made.regime)) for output in outputs.values())
    assert list(outputs) == ["out", "aux"]
    assert float(loss(outputs, labels, made.regime)) == pytest.approx(main + made.regime.further * further, rel=1e-6)
    assert torch.equal(scores(outputs), outputs["out"])
    assert float(made.step(pixels, labels, 0.0)) == pytest.approx(main + made.regime.further * further, rel=1e-6)
    assert made.judge(iter([(pixels, labels)]), never) == pytest.approx((main, _accuracy(outputs["out"], labels)))


def test_a_further_output_learns_through_its_part_of_the_loss_alone() -> None:
    for further, learns in ((0.0, False), (0.3, True)):
        made, pixels, labels = learner(AUXILIARY, further=further, optimizer="sgd", decay=0.0)
        before = made.module.state_dict()["head.fc.weight"].clone()
        made.step(pixels, labels, 0.1)
        assert torch.equal(made.module.state_dict()["head.fc.weight"], before) != learns


# ------------------------------------------------------------------------------------------------- weight decay


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_kernels_and_matrices_decay_and_nothing_else_does(name: str) -> None:
    flat = "BN -> PRELU -> LN -> SCALE -> BIAS -> GN(2) -> IN(affine=on)"
    module = parse(f"INPUT(4x8x8) -> CONV(6) -> {flat} -> GAP -> FC(4)").to_torch()
    torch.nn.init.ones_(module.get_parameter("conv.bias"))
    before = {key: value.clone() for key, value in module.named_parameters()}
    made = optimizer(module, Regime(optimizer=name, rate=0.5, decay=0.1))
    for value in module.parameters():
        value.grad = torch.zeros_like(value)
    made.step()
    for key, value in module.named_parameters():
        shrunk = 0.95 if key in {"conv.weight", "fc.weight"} else 1.0
        testing.assert_close(value.detach(), shrunk * before[key].detach(), msg=key)
    assert len(before) == 15


def test_what_needs_no_gradient_is_left_out_and_nothing_at_all_is_an_error() -> None:
    module = parse(SMALL).to_torch()
    weights = list(module.parameters())
    weights[0].requires_grad_(False)
    groups = optimizer(module, Regime()).param_groups
    expected = [weight for flat in (False, True) for weight in weights[1:] if (weight.ndim == 1) == flat]
    assert [id(weight) for group in groups for weight in group["params"]] == list(map(id, expected))
    module.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to train"):
        optimizer(module, Regime())


# ------------------------------------------------------------------------------------------ averages, clipping


def test_averages_are_those_by_hand_and_judge_without_staying() -> None:
    made, pixels, labels = learner(average=0.9)
    averages = {name: value.double() for name, value in made.module.state_dict().items()}
    kept = [1 / 10, 2 / 11, 3 / 12, 4 / 13, 5 / 14, *((1 + step) / (10 + step) for step in range(5, 80)), 0.9, 0.9]
    for share in kept:
        made.step(pixels, labels, 0.05)
        for name, value in made.module.state_dict().items():
            counts = not value.is_floating_point()
            averages[name] = value.double() if counts else share * averages[name] + (1 - share) * value.double()
    assert made.average is not None
    for name, value in averages.items():
        testing.assert_close(made.average[name].double(), value, atol=1e-6, rtol=1e-5)
    own = {name: value.clone() for name, value in made.module.state_dict().items()}
    judged = made.judge(iter([(pixels, labels)]), never)
    assert all(torch.equal(value, own[name]) for name, value in made.module.state_dict().items())
    made.module.load_state_dict(made.average)
    with torch.no_grad():
        found = made.module.eval()(pixels)
    assert judged == pytest.approx((float(one(found, labels, made.regime)), _accuracy(found, labels)))


def test_averages_of_a_short_run_are_of_what_it_has_learned() -> None:
    own, averaged = (train(setup(SMALL, average=average, epochs=8), never).history[-1] for average in (None, 0.9999))
    assert averaged.val_accuracy > 0.9
    assert averaged.val_loss == pytest.approx(own.val_loss, rel=0.2)


def test_averages_do_not_stay_where_judging_is_stopped() -> None:
    made, pixels, labels = learner(average=0.9)
    made.step(pixels, labels, 0.05)
    own = {name: value.clone() for name, value in made.module.state_dict().items()}
    assert made.judge(iter([(pixels, labels)]), lambda: True) is None
    assert all(torch.equal(value, own[name]) for name, value in made.module.state_dict().items())


def norm(module: torch.nn.Module) -> float:
    """Of all gradients together."""
    return float(sum(weight.grad.double().square().sum() for weight in module.parameters() if weight.grad is not None)
                 ** 0.5)


def test_gradients_are_clipped_to_a_norm_and_smaller_ones_stay() -> None:
    free, pixels, labels = learner(SMALL, optimizer="sgd")
    free.step(pixels, labels, 0.1)
    whole = norm(free.module)
    for bound in (whole / 10, whole * 10):
        made, pixels, labels = learner(SMALL, optimizer="sgd", clip=bound)
        made.step(pixels, labels, 0.1)
        assert norm(made.module) == pytest.approx(min(bound, whole), rel=1e-4)
        for mine, other in zip(made.module.parameters(), free.module.parameters(), strict=True):
            testing.assert_close(mine.grad, other.grad * min(bound / whole, 1), rtol=1e-4, atol=1e-7)


# ---------------------------------------------------------------------------------------------------- autocast


def test_autocast_learns_the_same_with_less_precision_and_keeps_weights_whole() -> None:
    curves = []
    for dtype in ("float32", "bfloat16"):
        diary = Diary()
        learned = train(setup(WHOLE, dtype=dtype, epochs=8, rate=0.02), never, [diary])
        curves.append(torch.tensor(diary.losses))
        assert learned.best is not None
        assert learned.best.val_accuracy > 0.95
    apart = (curves[0] - curves[1]).abs()
    assert 0 < apart[0] < 0.05
    assert apart.mean() < 0.1
    made, pixels, labels = learner(dtype="bfloat16", average=0.9)
    assert made.step(pixels, labels, 0.01).dtype == torch.float32
    assert {value.dtype for value in made.module.parameters()} == {torch.float32}
    with made.team.casting():
        assert made.module(pixels).dtype == torch.bfloat16


# -------------------------------------------------------------------------------------------------------- sums


@pytest.mark.parametrize("regime", [{}, {"loss": "hinge"}, {"smoothing": 0.1}], ids=str)
def test_sums_of_an_epoch_are_those_of_a_pass_over_its_images(regime: dict[str, Any]) -> None:
    data = images(100)  # of which a batch of 4 is left over
    made = setup(SMALL, data=data, epochs=1, rate=0.0, **regime)
    learned = train(made, never)
    torch.manual_seed(0)
    module = made.begin().module.eval()
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))[:96]
    for places, split, told, right in (
            (order, data.train, learned.history[0].train_loss, learned.history[0].train_accuracy),
            (torch.arange(50), data.val, learned.history[0].val_loss, learned.history[0].val_accuracy)):
        with torch.no_grad():
            found = module(made.feed.adapt(split.images.batch(places)))
        assert told == pytest.approx(float(one(found, split.labels[places], made.regime)), rel=1e-5)
        assert right == pytest.approx(_accuracy(found, split.labels[places]))


def _accuracy(found: Tensor, labels: Tensor) -> float:
    return float((found.argmax(1) == labels).double().mean())
