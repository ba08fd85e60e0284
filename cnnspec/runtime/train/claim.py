"""The folder of a run: which holds one, and that no two processes keep theirs in one folder at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EACCES, EAGAIN, EEXIST, ENOTDIR
from itertools import count

from cnnspec.diagnostics import Diagnostic, SpecError, closest
from cnnspec.runtime.train import checkpoint
from cnnspec.runtime.train.checkpoint import Checkpoint
from cnnspec.runtime.train.journal import METRICS
from cnnspec.runtime.train.keeper import BEST, CHECKPOINT

#: The file that is locked while a run is kept beside it; what a killed process leaves of it holds nobody up.
LOCK = ".lock"
#: How often a folder is made anew that others take away.
_TRIES = 100
#: What tells one place of a run from another.
_PLACE = ("step", "epoch", "number", "seconds")


# ------------------------------------------------------------------------------------------ what is there


def locate(where: str) -> str:
    """The checkpoint of a run that is named by its folder or by this file; raises `SpecError` where there is none."""
    path = os.path.join(where, CHECKPOINT)
    if os.path.isfile(path):
        return path
    if os.path.isdir(where):
        runs = [f"`{os.path.join(where, name)}`" for name in _runs(where)[:3]]
        raise _error("bad-checkpoint", f"{where} holds no run: there is no {CHECKPOINT} in it",
                     f"there is one in {', '.join(runs)}" if runs else "")
    if os.path.exists(where):
        return where
    folder, name = os.path.split(where.rstrip(os.sep))
    near = closest(name, _runs(folder or "."))
    raise _error("bad-checkpoint", f"there is no run at {where}",
                 f"did you mean `{os.path.join(folder, near)}`?" if near else "")


def same_place(path: str, found: Checkpoint) -> None:
    """Raise `SpecError` where the checkpoint that was read from a file is no longer the one that it holds."""
    now = checkpoint.state(path)
    if any(now.get(name) != found.state[name] for name in _PLACE):
        raise _error("run-busy", f"another process has gone on with {path} meanwhile", "the same command once more")


def _runs(folder: str) -> list[str]:
    """The folders in a folder that hold runs."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [name for name in names if os.path.isfile(os.path.join(folder, name, CHECKPOINT))]


def _held(folder: str) -> bool:
    """Whether a folder holds anything of a run."""
    return any(os.path.exists(os.path.join(folder, name)) for name in (CHECKPOINT, BEST, METRICS))


# --------------------------------------------------------------------------------------------- one at a time


@contextmanager
def claim(folder: str, *, empty: bool) -> Iterator[None]:
    """Keep others out of a folder, which is made; where nothing was put into it, it is gone again.

    Raises `SpecError` where another process keeps a run there (`run-busy`), as far as the system knows locks; where it
    is to be `empty` and holds a run (`run-exists`); and where it cannot be written.
    """
    made, handle = _made(folder)
    try:
        if empty and _held(folder):
            raise _exists(folder)
        yield
    finally:
        if handle is not None:
            with suppress(OSError):
                os.unlink(os.path.join(folder, LOCK))
            os.close(handle)
        _unmake(made)


@contextmanager
def claim_free(folder: str) -> Iterator[str]:
    """Claim a folder of this name in which no run is, with a number behind it where there is one; yields its name."""
    for number in count(1):
        name = folder if number == 1 else f"{folder}-{number}"
        if _held(name):
            continue
        with ExitStack() as claims:
            try:
                claims.enter_context(claim(name, empty=True))
            except SpecError as error:
                if error.diagnostics[0].code not in {"run-busy", "run-exists"}:
                    raise
                continue
            yield name
            return


def _made(folder: str) -> tuple[list[str], int | None]:
    """Make and lock a folder: the folders that there were not before, from within, and what holds the lock."""
    new: list[str] = []
    try:
        for left in reversed(range(_TRIES)):
            new += [each for each in _missing(folder) if each not in new]
            os.makedirs(folder, exist_ok=True)
            try:
                return new, _locked(folder)
            except FileNotFoundError:  # whoever has made it has taken it away
                if not left:
                    raise
    except OSError as error:
        _unmake(new)
        said = os.strerror(ENOTDIR) if error.errno == EEXIST else error.strerror
        raise _error("not-writable", f"the folder {folder} cannot be written: {said}",
                     "another folder: `--out FOLDER`") from None
    except SpecError:
        _unmake(new)
        raise
    raise AssertionError("the last try returns or raises")


def _missing(folder: str) -> Iterator[str]:
    """A folder and those around it, as far as they are not there."""
    at = os.path.abspath(folder)
    while not os.path.lexists(at):
        yield at
        at = os.path.dirname(at)


def _unmake(folders: list[str]) -> None:
    for each in folders:
        with suppress(OSError):  # there is something in it
            os.rmdir(each)


def _locked(folder: str) -> int | None:
    """Lock a folder until the handle is closed, by whomever; None where the system, or its disk, knows no locks.

    Raises `FileNotFoundError` where the file was taken away before it was locked.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return None
    path = os.path.join(folder, LOCK)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        flock(handle, LOCK_EX | LOCK_NB)
        if not os.path.samestat(os.fstat(handle), os.stat(path)):
            raise FileNotFoundError
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            os.close(handle)
            raise
        if error.errno in {EAGAIN, EACCES}:
            os.close(handle)
            raise _error("run-busy", f"another process is training in {folder} now",
                         "wait until it has ended; `--out FOLDER` keeps another run elsewhere") from None
    return handle


def _exists(folder: str) -> SpecError:
    state = checkpoint.state(os.path.join(folder, CHECKPOINT))
    done = f", of {state['step']:,} steps" if "step" in state else ""
    on = f"`--resume {folder}` goes on with it, " if state else ""
    return _error("run-exists", f"{folder} holds a run already{done}",
                  f"{on}`--overwrite` puts another in its place, `--out FOLDER` keeps one elsewhere")


def _error(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
