from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnspec.analysis.field import ReceptiveField
from cnnspec.render import units


@pytest.mark.parametrize(("number", "text"), [
    (0, "0"), (840, "840"), (999, "999"), (1000, "1.0 k"), (48_120, "48.1 k"), (999_949, "999.9 k"), (999_950, "1.0 M"),
    (4_096_000, "4.1 M"), (102_760_448, "102.8 M"), (999_999_999, "1.00 G"), (15_470_264_320, "15.47 G"),
    (3 * 10**15, "3.00 P"), (10**22, "10,000.00 E"),
])
def test_counts_scale_by_a_thousand(number: int, text: str) -> None:
    assert units.scaled(number) == text


@pytest.mark.parametrize(("number", "text"), [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (553_430_176, "527.8 MiB"),
    (2**31, "2.0 GiB"), (2**75, "32,768.0 EiB"),
])
def test_bytes_scale_by_1024(number: int, text: str) -> None:
    assert units.size(number) == text


@given(st.integers(1, 10**20))
def test_a_scaled_number_keeps_its_leading_digits(number: int) -> None:
    value, _, unit = units.scaled(number).partition(" ")
    power = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}[unit]
    assert abs(float(value.replace(",", "")) * 1000**power - number) <= 0.05 * 1000**power + 1e-9 * number


@pytest.mark.parametrize(("extents", "text"), [
    ((4096,), "4,096"), ((64, 112, 112), "64×112×112"), ((1, 16000), "1×16000"), ((8, 4, 16, 16), "8×4×16×16"),
])
def test_shapes(extents: tuple[int, ...], text: str) -> None:
    assert units.shape(extents) == text


@pytest.mark.parametrize(("seen", "text"), [
    (None, "all"), (ReceptiveField((212, 212), (32, 32), (-90, -90)), "212"),
    (ReceptiveField((15, 31), (2, 4), (0, 0)), "15×31"), (ReceptiveField((7,), (Fraction(1, 2),), (0,)), "7"),
])
def test_fields(seen: ReceptiveField | None, text: str) -> None:
    assert units.field(seen) == text


@pytest.mark.parametrize(("share", "text"), [
    (0.0, "0.0 %"), (0.1234, "12.3 %"), (1.5, "150.0 %"), (-0.01, "−1.0 %"), (5e-4, "0.1 %"), (3e-4, "0.03 %"),
    (2e-6, "0.0002 %"), (1e-9, "<0.0001 %"),
])
def test_percent(share: float, text: str) -> None:
    assert units.percent(share) == text


@pytest.mark.parametrize(("joules", "text"), [
    (0.0, "0.00 µJ"), (1.2345, "1.23 J"), (0.9996, "1.00 J"), (0.0169, "16.9 mJ"), (3.2e-6, "3.20 µJ"),
    (-2e-3, "−2.00 mJ"),
])
def test_energy(joules: float, text: str) -> None:
    assert units.energy(joules) == text


@pytest.mark.parametrize(("rate", "text"), [
    (0.0, "0 FLOP/s"), (840.2, "840 FLOP/s"), (1.234e12, "1.23 TFLOP/s"), (9.9e9, "9.90 GFLOP/s"),
])
def test_flops(rate: float, text: str) -> None:
    assert units.flops(rate) == text
