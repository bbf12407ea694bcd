"""Make a virtual environment on first use, and bring it up to date when its requirements change.

Called as `_venv.py FOLDER REQUIREMENTS`. Two at once wait for each other; an interrupted one is redone.
"""

import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path


def main() -> int:
    folder, requirements = Path(sys.argv[1]), Path(sys.argv[2])
    lock = folder.with_name(f"{folder.name}.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp, making = folder / "requirements.sha256", folder / "making"
    if stamp.exists() and stamp.read_text() == wanted and runs(folder):
        return 0
    if not runs(folder) or making.exists():
        make(folder, making)
    stamp.unlink(missing_ok=True)
    if not install(folder, requirements):
        return 1
    stamp.write_text(wanted)
    making.unlink(missing_ok=True)
    return 0


def make(folder: Path, making: Path) -> None:
    say(f"Making {folder.name} with Python {sys.version.split()[0]}.")
    folder.mkdir(exist_ok=True)
    making.touch()
    venv.create(folder, clear=True, with_pip=True)
    making.touch()


def install(folder: Path, requirements: Path) -> bool:
    say(f"Installing {requirements.name} into {folder.name} (takes up to a minute; done once).")
    # Wheels alone: a platform without one is told so at once, instead of by a failing compiler.
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    if subprocess.run(pip, check=False).returncode == 0:
        return True
    say(f"The packages of {requirements.name} could not be installed; the lines above say why.")
    return False


def runs(folder: Path) -> bool:
    try:
        return subprocess.run([folder / "bin" / "python", "-c", "import pip"], capture_output=True).returncode == 0
    except OSError:
        return False


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
