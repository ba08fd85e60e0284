"""Profiles in files, and the devices that they stand for: folders, names, torn files, and which profile is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec.analysis.datasheets import find
from cnnspec.diagnostics import SpecError
from cnnspec.environment import NoDevice
from cnnspec.runtime import known_devices, profile_files
from cnnspec.runtime.known_devices import known_device
from tests.analysis.devices import steady

PROFILE = steady()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles go into a folder of the test's, and this machine is an Abacus 3."""
    monkeypatch.setenv(profile_files.FOLDER, str(tmp_path / "profiles"))
    monkeypatch.setattr(known_devices, "models", lambda kind, number="": ["Abacus 3"] if kind == "cpu" else [])


def test_folders_are_those_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path.replace("~", "/home/ada"))
    folder = profile_files.folder
    assert folder({}, "linux") == "/home/ada/.cache/cnnspec/devices"
    assert folder({}, "darwin") == "/home/ada/Library/Caches/cnnspec/devices"
    assert folder({"XDG_CACHE_HOME": "/cache"}, "linux") == "/cache/cnnspec/devices"
    assert folder({"LOCALAPPDATA": "/local"}, "win32") == "/local/cnnspec/devices"
    assert folder({"XDG_CACHE_HOME": "/cache", profile_files.FOLDER: "/mine"}, "linux") == "/mine"


def test_what_is_stored_is_found_again() -> None:
    path = profile_files.store(PROFILE)
    assert [*profile_files.load_all()] == [(path, PROFILE)]
    assert Path(path).name == "cpu_Abacus-3_2.13.0_float32_1t.json"
    assert [one.name for one in Path(path).parent.iterdir()] == [Path(path).name]


@pytest.mark.parametrize("changes", [
    {"device": "Abacus 4"}, {"driver": "1"}, {"torch": "2.12"}, {"dtype": "float16"}, {"threads": 2}, {"kind": "cuda"},
])
def test_profiles_of_other_settings_stand_beside_it(changes: dict[str, object]) -> None:
    profile_files.store(PROFILE)
    profile_files.store(PROFILE.replace(**changes))
    profile_files.store(PROFILE.replace(date="2027-01-01"))  # takes the place of the first
    assert {profile.date for _, profile in profile_files.load_all()} == {"2027-01-01", PROFILE.date}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("before")
    with pytest.raises(ValueError, match="Out of range float values"):
        profile_files.write(PROFILE.replace(peak=float("inf")), str(path))
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["p.json"]


@pytest.mark.parametrize("data", [b"", b'{"schema": "cnnspec.device/1", "poi', b"\xff\xfe", b"[" * 100_000, b"[1]"])
def test_a_torn_or_foreign_file_is_told(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        known_device(str(path), "float32")
    assert caught.value.diagnostics[0].code == "bad-profile"


def test_a_torn_file_among_the_profiles_is_passed_over_and_told(tmp_path: Path) -> None:
    profile_files.store(PROFILE)
    assert profile_files.broken() == ()
    for name, data in (("a.json", b"{"), ("z.json", b"[]")):
        (tmp_path / "profiles" / name).write_bytes(data)
    (tmp_path / "profiles" / "gone.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "profiles" / "folder.json").mkdir()
    assert known_device("this", "float32") == PROFILE
    found = profile_files.broken()
    assert {(one.code, one.severity) for one in found} == {("broken-profile", "warning")}
    assert sorted(one.message.split(" ")[0].rpartition("/")[2] for one in found) == [
        "a.json", "folder.json", "gone.json", "z.json"]
    assert all("delete it" in one.help for one in found)


@pytest.mark.parametrize(("there", "now", "stays"), [
    (None, 0.4, False), (0.4, 0.5, True), (0.5, 0.4, False), (0.02, 0.2, True), (0.02, 0.1, False), (0.1, 0.02, False)])
def test_a_disturbed_profile_takes_the_place_of_none_that_was_disturbed_less(there: float | None, now: float,
                                                                             stays: bool) -> None:
    path = "" if there is None else profile_files.store(PROFILE.replace(unrest=there))
    profile_files.store(PROFILE.replace(threads=7, unrest=0.0))  # of other settings, which say nothing of these
    assert profile_files.better(PROFILE.replace(unrest=now)) == (path if stays else "")


def test_a_missing_file_and_a_folder_that_cannot_be_made_are_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"missing.json cannot be read: No such file"):
        known_device(str(tmp_path / "missing.json"), "float32")
    (tmp_path / "file").touch()
    with pytest.raises(SpecError, match=r"cannot be written"):
        profile_files.write(PROFILE, str(tmp_path / "file" / "p.json"))


# ------------------------------------------------------------------------------------------------ choice


def test_this_machine_is_the_profile_of_its_model() -> None:
    profile_files.store(PROFILE)
    profile_files.store(PROFILE.replace(device="Abacus 4"))
    assert known_device("this", "float32") == known_device("cpu", "float32") == PROFILE
    assert known_device("abacus4", "float32") == PROFILE.replace(device="Abacus 4")


@pytest.mark.parametrize("name", ["this", "cpu", "cuda", "cuda:1"])
def test_a_machine_that_was_not_calibrated_says_so(name: str) -> None:
    profile_files.store(PROFILE.replace(device="Abacus 4"))
    with pytest.raises(NoDevice, match=f"no calibration of `{name}` is stored"):
        known_device(name, "float32")


def test_another_dtype_never_stands_in() -> None:
    profile_files.store(PROFILE)
    with pytest.raises(NoDevice, match="Abacus 3 was calibrated for float32, not for bfloat16"):
        known_device("this", "bfloat16")


def test_threads_are_chosen_where_they_are_named() -> None:
    profile_files.store(PROFILE)
    profile_files.store(PROFILE.replace(threads=4))
    chosen = known_device("this", "float32", 4)
    assert chosen == PROFILE.replace(threads=4)
    with pytest.raises(NoDevice, match="calibrated with 1, 4 threads, not 2"):
        known_device("this", "float32", 2)


def test_the_profile_of_the_installed_torch_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = PROFILE.replace(torch="2.8"), PROFILE.replace(torch="2.13")
    monkeypatch.setattr(known_devices, "installed_torch", lambda: "2.8")
    assert known_devices.chosen([new, old], "float32", None) == old
    monkeypatch.setattr(known_devices, "installed_torch", lambda: "")
    assert known_devices.chosen([new, old], "float32", None) == new


def test_the_table_is_asked_after_the_profiles() -> None:
    assert known_device("h200", "float32") == find("h200")
    profile_files.store(PROFILE.replace(device="H200"))
    assert known_device("h200", "float32") == PROFILE.replace(device="H200")


def test_an_unknown_name_gets_the_closest_one_and_all_there_are() -> None:
    profile_files.store(PROFILE)
    with pytest.raises(SpecError) as caught:
        known_device("rtx-4091", "float32")
    (told,) = caught.value.diagnostics
    assert (told.code, told.help) == ("unknown-device", "did you mean `rtx-4090`?")
    assert "t4, v100, a10" in told.notes[0]
    assert "Abacus 3" in told.notes[1]
