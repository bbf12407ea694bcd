"""Folders that only their owner can enter, and the lock that keeps a data folder to one instance."""

import fcntl
import os
import stat
from pathlib import Path
from typing import TextIO

from portal.embedded.errors import CannotStart


def make_private(folder: Path) -> None:
    """Make `folder` with mode 700, or refuse one that somebody else could have prepared."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        check_private(folder)
    except OSError as error:
        raise CannotStart(f"The folder {folder} cannot be made: {error.strerror}.") from error


def check_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise CannotStart(f"{folder} is in the way: it is not a folder. Remove it and start again.")
    if found.st_uid != os.geteuid():
        raise CannotStart(f"{folder} belongs to another user (uid {found.st_uid}), so it is not safe. Remove it.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise CannotStart(f"{folder} is open to other users, so it is not safe to use. Remove it and start again.")


def make_data(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be made: {error.strerror}. Choose another with PORTCULLIS_DATA."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotStart(f"The data folder {folder} is not yours to write. Choose another with PORTCULLIS_DATA.")


def take_lock(path: Path, note: str) -> TextIO:
    """Hold `path` until the file is closed or the process is gone; `note` tells a second instance who holds it."""
    holder = path.open("a+")
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder.seek(0)
        who = holder.read().strip() or "another process"
        holder.close()
        raise CannotStart(
            f"Portcullis already runs on the data folder {path.parent} ({who}). "
            "Stop that one, or choose another folder with PORTCULLIS_DATA and another port with PORTCULLIS_PORT."
        ) from error
    holder.truncate(0)
    holder.write(note)
    holder.flush()
    return holder
