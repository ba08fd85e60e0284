"""Device profiles in files: the user's cache folder, and files that were exported."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from shlex import quote

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
    path = stored_as(profile)
    write(profile, path)
    return path


def stored_as(profile: DeviceProfile) -> str:
    """The path of a profile in the folder."""
    return os.path.join(folder(), file_name(profile))


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
    """All profiles of the folder with their paths, the newest first; `broken` tells what is passed over."""
    for path, found in _contents():
        if isinstance(found, DeviceProfile):
            yield path, found


def broken() -> tuple[Diagnostic, ...]:
    """A warning for each file of the folder that is no profile, or cannot be read."""
    return tuple(Diagnostic("broken-profile", f"{found.message}; it is passed over",
                            help=f"delete it, then `cnnspec calibrate` if it was for this machine: rm {quote(path)}")
                 for path, found in _contents() if isinstance(found, Diagnostic))


def better(profile: DeviceProfile) -> str:
    """The stored file whose place a profile would take though it was disturbed more; empty where there is none.

    What was not disturbed takes the place of anything.
    """
    if not profile.disturbed:
        return ""
    path = stored_as(profile)
    return next((path for there, found in load_all() if there == path and found.unrest < profile.unrest), "")


def _contents() -> Iterator[tuple[str, DeviceProfile | Diagnostic]]:
    """Each file of the folder with what it holds, or why that is no profile."""
    place = folder()
    try:
        names = [name for name in os.listdir(place) if name.endswith(".json")] if os.path.isdir(place) else []
    except OSError as error:
        yield place, Diagnostic("no-profile-file", f"{place} cannot be read: {error.strerror}")
        return
    for path in sorted((os.path.join(place, name) for name in names), key=_age):
        try:
            yield path, read(path)
        except SpecError as error:
            yield path, error.diagnostics[0]


def _age(path: str) -> float:
    """Larger for what was written earlier; a link to nothing comes last."""
    return -os.path.getmtime(path) if os.path.exists(path) else 0.0
