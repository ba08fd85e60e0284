"""The zoo as parameters of tests: some networks of each kind always, all others where slow tests run."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.files import known_nets

#: Small and large, flat and branched, with skips and gates, with several outputs, in one and three dimensions.
ALWAYS = frozenset("""
    alexnet autoencoder convnext_tiny deeplabv3_resnet50 densenet121 efficientnet_b0 googlenet_aux inception_v3 lenet
    lraspp_mobilenet_v3_large mobilenet_v3_small nin regnet_y_400mf resnet18 resnet50 s3d shufflenet_v2_x0_5 single_conv
    squeezenet1_1 tcn unet vgg16 wavenet
""".split())


def zoo() -> list[Any]:
    """Every network's name; those that stand for no kind of their own are slow."""
    return [pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.slow]) for name in sorted(known_nets())]
