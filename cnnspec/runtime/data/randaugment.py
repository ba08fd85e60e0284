"""`randaugment` (Cubuk et al., 2020: https://arxiv.org/abs/1909.13719): two of fourteen operations, at random.

The operations and what their magnitude of 9 (of 30) means are those of the paper's code and of torchvision: identity,
autocontrast, equalize, rotate, solarize, color, posterize, contrast, brightness, sharpness, shear and translate along
each axis. Two things differ, since images come normalised: black and white are a batch's least and greatest element of
each channel, and what moves into an image is 0, the mean. Moved images are interpolated.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, radians, sin

import torch
from torch import Tensor
from torch.nn import functional

#: Operations on each image, and their magnitude.
COUNT, MAGNITUDE, _MOST = 2, 9, 30
#: What the magnitude means: a share of the way to twice the effect or none, an angle, a slope, and shares of an extent
#: (150 of 331 elements at most), of a byte's values, and bits.
_BLEND = 0.9 * MAGNITUDE / _MOST
_ANGLE = 30 * MAGNITUDE / _MOST
_SLOPE = 0.3 * MAGNITUDE / _MOST
_SHIFT = 150 / 331 * MAGNITUDE / _MOST
_THRESHOLD = 1 - MAGNITUDE / _MOST
_BITS = 8 - round(4 * MAGNITUDE / _MOST)
#: Of red, green and blue in grey (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def randaugment(images: Tensor, chance: torch.Generator) -> Tensor:
    """Two operations on each image, float32 of B×C×H×W, one after the other."""
    black = images.amin((0, 2, 3), keepdim=True)
    range_ = (images.amax((0, 2, 3), keepdim=True) - black).clamp_min(1e-12)
    for _ in range(COUNT):
        chosen = torch.randint(len(OPERATIONS), (len(images),), generator=chance)
        signs = torch.where(torch.rand(len(images), generator=chance) < 0.5, -1.0, 1.0)
        changed = images.clone()
        for number, name in enumerate(OPERATIONS):
            places = (chosen == number).nonzero().flatten()
            if not len(places):
                continue
            if name in MOVES:
                changed[places] = moved(images[places], MOVES[name], signs[places])
            elif name in SHADES:
                values = ((images[places] - black) / range_).clamp(0, 1)
                changed[places] = SHADES[name](values, signs[places].view(-1, 1, 1, 1)) * range_ + black
        images = changed
    return images


def moved(images: Tensor, move: Callable[[float], list[list[float]]], signs: Tensor) -> Tensor:
    """Images moved by a map from each place to where its element comes from, there or back by the sign."""
    _, _, height, width = images.shape
    maps = torch.stack([torch.tensor(move(sign)) for sign in signs.tolist()])
    # `affine_grid` counts from -1 to 1 along each axis: what mixes the axes is scaled by their ratio.
    maps[:, 0, 1] *= height / width
    maps[:, 1, 0] *= width / height
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _rotation(sign: float) -> list[list[float]]:
    turn = radians(sign * _ANGLE)
    return [[cos(turn), -sin(turn), 0.0], [sin(turn), cos(turn), 0.0]]


#: Maps for a sign, x before y, in halves of the extents.
MOVES: dict[str, Callable[[float], list[list[float]]]] = {
    "rotate": _rotation,
    "shear-x": lambda sign: [[1.0, sign * _SLOPE, 0.0], [0.0, 1.0, 0.0]],
    "shear-y": lambda sign: [[1.0, 0.0, 0.0], [sign * _SLOPE, 1.0, 0.0]],
    "translate-x": lambda sign: [[1.0, 0.0, 2 * sign * _SHIFT], [0.0, 1.0, 0.0]],
    "translate-y": lambda sign: [[1.0, 0.0, 0.0], [0.0, 1.0, 2 * sign * _SHIFT]],
}


def grey(values: Tensor) -> Tensor:
    """One channel: the brightness of three, else the mean."""
    if values.shape[1] != 3:
        return values.mean(1, keepdim=True)
    return (values * values.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _blend(values: Tensor, other: Tensor, signs: Tensor) -> Tensor:
    """From `other` to the values and beyond: 1 ± the magnitude of the way."""
    return (other + (values - other) * (1 + signs * _BLEND)).clamp(0, 1)


def _sharpness(values: Tensor, signs: Tensor) -> Tensor:
    """Blended with what Pillow's SMOOTH makes of the values; the outermost ones stay."""
    channels = values.shape[1]
    if min(values.shape[2:]) < 3:
        return values
    kernel = values.new_ones(3, 3)
    kernel[1, 1] = 5
    smooth = values.clone()
    smooth[:, :, 1:-1, 1:-1] = functional.conv2d(values, (kernel / 13).expand(channels, 1, 3, 3), groups=channels)
    return _blend(values, smooth, signs)


def _autocontrast(values: Tensor, signs: Tensor) -> Tensor:
    """Each channel of each image from black to white; one without contrast stays."""
    least, most = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    range_ = most - least
    return torch.where(range_ > 0, (values - least) / range_.clamp_min(1e-12), values)


def _bytes(values: Tensor) -> Tensor:
    return (values * 255).round().long()


def _equalize(values: Tensor, signs: Tensor) -> Tensor:
    """Each channel's bytes spread evenly, in whole numbers as Pillow does it."""
    count, channels, height, width = values.shape
    rows = _bytes(values).view(count * channels, height * width)
    histogram = torch.zeros((len(rows), 256), dtype=torch.long).scatter_add_(1, rows, torch.ones_like(rows))
    last = rows.amax(1, keepdim=True)
    step = (height * width - histogram.gather(1, last)) // 255
    below = histogram.cumsum(1) - histogram
    table = ((below + step // 2) // step.clamp_min(1)).clamp(0, 255)
    table = torch.where(step > 0, table, torch.arange(256))
    return (table.gather(1, rows).view(values.shape) / 255).to(values.dtype)


def _solarize(values: Tensor, signs: Tensor) -> Tensor:
    return torch.where(values >= _THRESHOLD, 1 - values, values)


def _posterize(values: Tensor, signs: Tensor) -> Tensor:
    step = 1 << (8 - _BITS)
    return (_bytes(values) // step * step / 255).to(values.dtype)


#: Operations on elements from 0 (black) to 1 (white), for signs of B×1×1×1.
SHADES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "solarize": _solarize,
    "posterize": _posterize,
    "color": lambda values, signs: _blend(values, grey(values), signs) if values.shape[1] == 3 else values,
    "contrast": lambda values, signs: _blend(values, grey(values).mean((1, 2, 3), keepdim=True), signs),
    "brightness": lambda values, signs: _blend(values, torch.zeros_like(values), signs),
    "sharpness": _sharpness,
}
OPERATIONS = ("identity", *SHADES, *MOVES)
