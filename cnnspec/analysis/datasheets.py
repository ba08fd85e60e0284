"""The figures of NVIDIA's datasheets and architecture whitepapers: dense peaks, memory, without sparsity.

A peak is that of multiply-accumulates (2 FLOPs each): of the ordinary cores for float32, of the tensor cores for the
others. Tensor cores know tf32 and bfloat16 since the Ampere generation; a figure that is not given stays out.
"""

from __future__ import annotations

from cnnspec.analysis.devices import Datasheet

_TERA, _GIGA, _MIB = 1e12, 1e9, 1 << 20
_DTYPES = ("float32", "tf32", "float16", "bfloat16")


def _sheet(title: str, names: str, peaks: tuple[float | None, ...], bandwidth: float, cache: int, processors: int,
           unconfirmed: str = "") -> Datasheet:
    """A row: TFLOP/s by dtype, GB/s, MiB of the last cache."""
    name, *aliases = names.split()
    known = {dtype: peak * _TERA for dtype, peak in zip(_DTYPES, peaks, strict=True) if peak is not None}
    return Datasheet(name, tuple(aliases), title, known, bandwidth * _GIGA, cache * _MIB, processors, unconfirmed)


DATASHEETS = (
    _sheet("NVIDIA T4", "t4", (8.1, None, 65, None), 320, 4, 40),
    _sheet("NVIDIA V100 SXM2", "v100 v100-sxm2", (15.7, None, 125, None), 900, 6, 80),
    _sheet("NVIDIA A10", "a10", (31.2, 62.5, 125, 125), 600, 6, 72, "its figures"),
    _sheet("NVIDIA A100 40 GB SXM", "a100-40 a100-40-sxm", (19.5, 156, 312, 312), 1555, 40, 108),
    _sheet("NVIDIA A100 80 GB SXM", "a100-80 a100 a100-80-sxm", (19.5, 156, 312, 312), 2039, 40, 108),
    _sheet("NVIDIA L4", "l4", (30.3, 60, 121, 121), 300, 48, 58),
    _sheet("NVIDIA L40S", "l40s", (91.6, 183, 362, 362), 864, 96, 142, "the size of its L2 cache"),
    _sheet("NVIDIA RTX 3090", "rtx-3090 3090", (35.6, 35.6, 71, 71), 936, 6, 82, "its figures"),
    _sheet("NVIDIA RTX 4090", "rtx-4090 4090", (82.6, 82.6, 165, 165), 1008, 72, 128),
    _sheet("NVIDIA H100 SXM", "h100 h100-sxm", (67, 495, 989, 989), 3350, 50, 132),
    _sheet("NVIDIA H100 PCIe", "h100-pcie", (51, 378, 756, 756), 2000, 50, 114, "its figures"),
    _sheet("NVIDIA H200", "h200 h200-sxm", (67, 495, 989, 989), 4800, 60, 132),
    _sheet("NVIDIA B200", "b200", (75, 1125, 2250, 2250), 8000, 126, 148, "its figures"),
    _sheet("NVIDIA Jetson AGX Orin 64 GB", "agx-orin agx-orin-64", (5.3, 21, 42, 42), 204.8, 4, 16, "its figures"),
)


def find(name: str) -> Datasheet | None:
    """The datasheet of this name: capitals, spaces and `NVIDIA` in front count nothing."""
    folded = fold(name)
    return next((sheet for sheet in DATASHEETS
                 if folded in {fold(known) for known in (sheet.name, *sheet.aliases, sheet.title)}), None)


def fold(name: str) -> str:
    """A device's name without capitals, its maker, and what stands between words."""
    return "".join(filter(str.isalnum, name.lower().removeprefix("nvidia")))
