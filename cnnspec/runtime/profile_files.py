"""Device profiles in files: the user's cache folder, and files that were exported."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping

from cnnspec.analysis.devices import DeviceProfile
from cnnspec.analysis.profile_data import as_data, from_data
from cnnspec.analysis.reader import Foreign
from cnnspec.diagnostics import Diagnostic, SpecError

#: The environment variable that names another folder.
FOLDER = "CNNSPEC_PROFILES"
#: Bytes of the largest file that is read: hundreds of times what calibration writes.
_MOST_BYTES = 1 << 26


def folder(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> str:
    """The folder of the profiles: `CNNSPEC_PROFILES`, else one in the user's cache."""
    return environment.get(FOLDER) or os.path.join(cache(environment, system), "devices")


def cache(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> str:
    """The package's part of the user's cache folder."""
    home = os.path.expanduser("~")
    if environment.get("XDG_CACHE_HOME"):
        place = environment["XDG_CACHE_HOME"]
    elif system == "darwin":
        place = os.path.join(home, "Library", "Caches")
    elif system == "win32":
        place = environment.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    else:
        place = os.path.join(home, ".cache")
    return os.path.join(place, "cnnspec")


def file_name(profile: DeviceProfile) -> str:
    """One name for each device, driver, version of PyTorch, dtype and number of threads."""
    parts = (profile.kind, profile.device, profile.driver, profile.torch, profile.dtype, f"{profile.threads}t")
    return "_".join("".join(c if c.isalnum() or c in "+-." else "-" for c in part) for part in parts if part) + ".json"


def store(profile: DeviceProfile) -> str:
    """Put a profile where `load_all` finds it; the path. Raises `SpecError` where that cannot be written."""
    path = os.path.join(folder(), file_name(profile))
    write(profile, path)
    return path


def write(profile: DeviceProfile, path: str) -> None:
    """Write a profile, all or nothing; raises `SpecError` where that cannot be done."""
    place = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(place, exist_ok=True)
        temporary = os.path.join(place, f".{os.path.basename(path)}-{os.getpid()}")
        try:
            with open(temporary, "x", encoding="utf-8") as file:
                json.dump(as_data(profile), file, ensure_ascii=False, allow_nan=False, indent=1)
                file.write("\n")
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise SpecError([Diagnostic("no-profile-file", f"{path} cannot be written: {error.strerror}")]) from error


def read(path: str) -> DeviceProfile:
    """The profile in a file; raises `SpecError` for one that is missing, torn or foreign."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise Foreign(f"it is larger than {_MOST_BYTES:,} bytes")
        return from_data(json.loads(data))
    except OSError as error:
        raise SpecError([Diagnostic("no-profile-file", f"{path} cannot be read: {error.strerror}")]) from error
    except (ValueError, RecursionError) as error:  # of JSON, of its encoding, of what it holds
        reason = str(error) if isinstance(error, Foreign) else "it is no JSON, or only a part of it"
        raise SpecError([Diagnostic("bad-profile", f"{path} is no device profile: {reason}",
                                    help="write it again with `cnnspec calibrate --export FILE`")]) from error


def load_all() -> Iterator[tuple[str, DeviceProfile]]:
    """All profiles of the folder with their paths, the newest first; raises `SpecError` for a file that is none."""
    place = folder()
    names = [name for name in os.listdir(place) if name.endswith(".json")] if os.path.isdir(place) else []
    paths = [os.path.join(place, name) for name in names]
    for path in sorted(paths, key=os.path.getmtime, reverse=True):
        yield path, read(path)
