"""`digits`: 1,797 handwritten digits of 8×8 that scikit-learn's package carries; nothing is downloaded.

The test set of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI Machine Learning Repository,
1998).
"""

from __future__ import annotations

import torch

from cnnspec.diagnostics import Diagnostic, SpecError
from cnnspec.runtime.data.images import Data, Loaded, Split, parted, spread

#: The part of each digit that is judged by.
SHARE = 0.2


def digits(seed: int = 0) -> Data:
    """The digits, a fifth of them for judging; raises `SpecError` without scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SpecError([Diagnostic("no-package", "`digits` come with scikit-learn, which is not installed",
                                    help="pip install 'cnnspec[train]'")]) from None
    found = load_digits()
    # Its elements are from 0 to 16.
    images = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(found.target).long()
    train, val = parted(labels, SHARE, seed)
    mean, deviation = spread(Loaded(images[train]))
    return Data("digits", Split(Loaded(images[train]), labels[train]), Split(Loaded(images[val]), labels[val]),
                tuple(map(str, range(10))), (1, 8, 8), mean, deviation,
                (f"a fifth of each digit, chosen by the seed, is judged by: {len(val):,} of {len(labels):,}",))
