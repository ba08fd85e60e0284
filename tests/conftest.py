"""What every test runs under: one thread for numerical libraries, no width, no deadline for random examples; and
torchvision."""

import os
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import settings

# Before anything imports torch, here or in a child process: on few cores, threads cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

# Tests that run side by side are told a width, which what is piped would then be cut to.
os.environ.pop("COLUMNS", None)

# A shared machine may pause at any example; and what fails must fail again when it is run again.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

#: Libraries of operators, which live as long as this refers to them.
DECLARED: list[Any] = []


def import_torchvision() -> Any:
    """torchvision; where its own operators do not load (there is no build of it without CUDA), two are declared."""
    import torch

    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        DECLARED.append(library)
        import torchvision
    return torchvision


@pytest.fixture(scope="session")
def torchvision() -> Any:
    """torchvision, for tests that compare with its modules."""
    if find_spec("torch") is None or find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed: nothing to compare with")
    return import_torchvision()
