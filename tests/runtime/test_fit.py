"""Networks and images brought together: what is said, what is refused, and with which advice."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nothing to train")

from cnnspec import SpecError, parse  # noqa: E402  # behind what they need
from cnnspec.runtime.data.images import Loaded, spread  # noqa: E402
from cnnspec.runtime.train.fit import fit  # noqa: E402
from tests.runtime.data.files import refusal  # noqa: E402
from tests.runtime.training import SMALL, images  # noqa: E402


@pytest.mark.parametrize(("spec", "says"), [
    ("INPUT(1x64) -> CONV(4, 3) -> GAP -> FC(4)", "takes values of 1 axis, 1x64; images have two, such as 1x8x8"),
    ("INPUT(1x4x4x4) -> CONV(4, 3) -> GAP -> FC(4)", "takes values of 3 axes, 1x4x4x4; images have two"),
])
def test_networks_of_other_axes_are_refused_without_a_hint_that_leads_nowhere(spec: str, says: str) -> None:
    found = refusal(lambda: fit(parse(spec), images()))
    assert says in found
    assert "training is with images" in found
    assert "help" not in found


def test_the_hint_for_vectors_leads_to_a_network_that_trains() -> None:
    found = refusal(lambda: fit(parse("INPUT(64) -> FC(8) -> RELU -> FC(4)"), images()))
    assert "takes a vector of 64, but an image of stripes is 1x8x8" in found
    assert "help: `INPUT(1x8x8) -> FLATTEN` at its beginning" in found
    fit(parse("INPUT(1x8x8) -> FLATTEN -> FC(8) -> RELU -> FC(4)"), images())


def test_too_few_classes_are_refused_unless_that_is_left_to_the_questions() -> None:
    net = parse(SMALL.replace("FC(4)", "FC(3)"))
    assert "tells 3 classes apart, but stripes has 4" in refusal(lambda: fit(net, images()))
    fitted, _ = fit(net, images(), few=True)
    assert fitted is net


def test_channels_that_never_change_are_told() -> None:
    coloured = images(shape=(3, 8, 8))
    assert isinstance(coloured.train.images, Loaded)
    values = coloured.train.images.values.clone()
    net = parse("INPUT(3x8x8) -> CONV(4) -> GAP -> FC(4)")
    assert not [sentence for sentence in fit(net, coloured)[1] if "the same everywhere" in sentence]
    values[:, 1] = 7
    _, deviation = spread(Loaded(values))
    _, says = fit(net, coloured.replace(deviation=deviation))
    assert says[-1] == "channel 1 is the same everywhere in all images, and so 0 throughout (counting from 0)"


@pytest.mark.parametrize(("values", "says"), [
    (torch.zeros(20, 1, 4, 4), "every element is 0 of 255"),
    (torch.full((20, 3, 4, 4), 255.0), "every element is 255 of 255"),
    (torch.tensor([3.0, 9.0]).view(1, 2, 1, 1).expand(20, 2, 4, 4), "the channels are 3, 9 everywhere"),
])
def test_images_that_are_all_the_same_are_refused(values: torch.Tensor, says: str) -> None:
    with pytest.raises(SpecError, match="all images to train on are the same: " + says):
        spread(Loaded(values.to(torch.uint8)))


def test_images_that_are_each_of_one_value_are_not_the_same() -> None:
    mean, deviation = spread(Loaded((torch.arange(2, dtype=torch.uint8) * 255).view(2, 1, 1, 1).expand(2, 1, 4, 4)))
    assert (mean, deviation) == ((0.5,), (0.5,))
