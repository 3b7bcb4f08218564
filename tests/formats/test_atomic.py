"""Files are there as a whole or not at all, whatever fails."""

import os
import random
import stat
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

import inventory
from formats.samples import snapshot
from inventory import formats
from inventory.errors import FileError
from inventory.files import drafted

FORMATS = pytest.mark.parametrize("suffix", formats.FORMATS)
OLD, NEW = (snapshot([{"server": "s", "key": key * 20_000, "ordinal": 0}]) for key in "on")
PRELUDE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from pathlib import Path
from formats.samples import snapshot
from inventory import FileError, formats
OLD, NEW = (snapshot([dict(server="s", key=key * 20_000, ordinal=0)]) for key in "on")
folder, suffix = Path(sys.argv[1]), sys.argv[2]
target = folder / f"x.{{suffix}}"
"""
NTH_CALL_FAILS = f"""{PRELUDE}
import errno, fcntl, os
left = None
def fail(what):
    global left
    if left is not None:
        left -= 1
        if not left:
            raise OSError(code, os.strerror(code))
def wrap(module, name):
    real = getattr(module, name)
    def call(*given, **named):
        fail(name)
        return real(*given, **named)
    setattr(module, name, call)
def audit(event, given):
    if event == "open" and str(given[0]).startswith(str(folder)):
        fail(event)
for module, name in ((os, "fsync"), (os, "replace"), (os, "chmod"), (os, "lstat"), (fcntl, "flock")):
    wrap(module, name)
sys.addaudithook(audit)
OLD.write(target)
for code in (errno.ENOSPC, errno.EACCES):
    failures = 0
    for nth in range(1, 100):
        OLD.write(target)
        before, left = target.read_bytes(), nth
        try:
            NEW.write(target)
        except FileError as error:
            fired, left = left == 0, None
            assert fired and str(target) in str(error) and "untouched" in str(error), error
            assert target.read_bytes() == before
            failures += 1
        else:
            fired, left = left <= 0, None
            assert target.read_bytes() != before
        assert [path.name for path in folder.iterdir()] == [target.name], nth
        if not fired:
            break
    print(nth, failures)
    assert failures >= 4 and nth < 99
"""
WRITE_FAILS = f"""{PRELUDE}
import resource
OLD.write(target)
before = target.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    NEW.write(target)
except FileError as error:
    assert str(target) in str(error), error
else:
    raise AssertionError("it was written beyond the limit")
assert target.read_bytes() == before
assert [path.name for path in folder.iterdir()] == [target.name]
"""
WRITE_FOREVER = f"""{PRELUDE}
print("ready", flush=True)
while True:
    for one in (OLD, NEW):
        for suffix in formats.FORMATS:
            one.write(folder / f"x.{{suffix}}")
"""
WRITE_OFTEN = f"""{PRELUDE}
for _ in range(40):
    NEW.write(target)
"""


def run(script: str, folder: Path, suffix: str) -> None:
    """Run a script to its end."""
    done = subprocess.run([sys.executable, "-c", script, folder, suffix], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def whose(path: Path) -> str:
    """Which of the two snapshots a file holds, to the byte; one that can be read back holds that one's models too."""
    suffix = path.suffix.removeprefix(".")
    for name in ("old", "new"):
        if path.read_bytes() == encoded(name, suffix):
            back = (
                {str(key)[:1] for key in inventory.read(path).models["key"]}
                if suffix in formats.READABLE
                else {name[0]}
            )
            assert back == {name[0]}
            return name
    return "neither"


@cache
def encoded(name: str, suffix: str) -> bytes:
    """The bytes of one of the two in a format."""
    with tempfile.TemporaryDirectory() as folder:
        [path] = {"old": OLD, "new": NEW}[name].write(Path(folder) / f"x.{suffix}")
        return path.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="patches calls that only POSIX has")
@pytest.mark.parametrize(
    "suffix",
    [pytest.param(suffix, marks=() if suffix in ("csv", "xlsx") else pytest.mark.full) for suffix in formats.FORMATS],
)
def test_nth_call_fails(tmp_path: Path, suffix: str) -> None:
    """When any one system call fails, the old file is as it was and the error names it, or the new one is whole."""
    run(NTH_CALL_FAILS, tmp_path, suffix)


@pytest.mark.skipif(os.name != "posix", reason="limits the size of a file as only POSIX can")
@FORMATS
def test_write_fails(tmp_path: Path, suffix: str) -> None:
    """When the disk takes no more bytes, the old file is as it was, the error names it, and nothing is left."""
    run(WRITE_FAILS, tmp_path, suffix)


def test_killed(tmp_path: Path) -> None:
    """After a kill at any moment every file is readable, and the next write sweeps what was left."""
    chance = random.Random(7)
    for suffix in formats.FORMATS:
        OLD.write(tmp_path / f"x.{suffix}")
    for _ in range(8):
        command = [sys.executable, "-c", WRITE_FOREVER, str(tmp_path), "csv"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            assert writer.stdout.readline().strip() == b"ready"
            time.sleep(chance.uniform(0, 0.12))
            writer.kill()
        for suffix in formats.FORMATS:
            assert whose(tmp_path / f"x.{suffix}") in ("old", "new")
    (tmp_path / "other.tmp").touch()
    for suffix in formats.FORMATS:
        NEW.write(tmp_path / f"x.{suffix}")
    assert names(tmp_path) == sorted(["other.tmp", *(f"x.{suffix}" for suffix in formats.FORMATS)])


def test_left_over_swept(tmp_path: Path) -> None:
    """The temporary file of a killed run is removed by the next write to the same target, and by no other."""
    target = tmp_path / "x.csv"
    script = f"""{PRELUDE}
import os
from inventory.files import drafted
with drafted(target, b"half"):
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, tmp_path, "csv"], check=False, timeout=60)
    (left,) = names(tmp_path)
    assert left.endswith(".tmp")
    NEW.write(tmp_path / "y.csv")
    assert left in names(tmp_path)
    NEW.write(target)
    assert names(tmp_path) == ["x.csv", "y.csv"]


def test_live_not_swept(tmp_path: Path) -> None:
    """A temporary file that somebody is writing is not swept by another write to the same target."""
    target = tmp_path / "x.csv"
    with drafted(target, b"mine") as move:
        NEW.write(target)
        assert whose(target) == "new"
        move()
    assert target.read_bytes() == b"mine"
    assert names(tmp_path) == ["x.csv"]


def test_many_writers(tmp_path: Path) -> None:
    """Processes that write one target at the same time all succeed, and one of them wins as a whole."""
    command = [sys.executable, "-c", WRITE_OFTEN, str(tmp_path), "csv"]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for writer in writers:
        _, told = writer.communicate(timeout=60)
        assert writer.returncode == 0, told
    assert whose(tmp_path / "x.csv") == "new"
    assert names(tmp_path) == ["x.csv"]


def test_draft_dropped(tmp_path: Path) -> None:
    """A draft that is not moved leaves nothing."""
    with drafted(tmp_path / "x.csv", b"x"):
        pass
    assert names(tmp_path) == []


@FORMATS
def test_link_stays(tmp_path: Path, suffix: str) -> None:
    """A target that is a link stays a link; what it points to is replaced, also if it is not there yet."""
    for name in ("there", "not-there"):
        (tmp_path / name).mkdir()
        real, link = tmp_path / name / f"real.{suffix}", tmp_path / f"{name}.{suffix}"
        link.symlink_to(real)
        if name == "there":
            OLD.write(real)
        NEW.write(link)
        assert link.is_symlink()
        assert whose(real) == "new"
        assert names(real.parent) == [real.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@FORMATS
def test_permissions(tmp_path: Path, suffix: str) -> None:
    """A file that exists keeps its permissions; a new one has those of the umask."""
    target = tmp_path / f"x.{suffix}"
    before = os.umask(0o027)
    try:
        NEW.write(target)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o604)
    OLD.write(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


@pytest.mark.skipif(os.name != "posix", reason="needs FIFOs and devices")
@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "loop", "missing folder", "file as folder"])
@FORMATS
def test_no_place(tmp_path: Path, suffix: str, kind: str) -> None:
    """A target that is no file, or has no folder, gives an error that names it, and stays as it is."""
    target = tmp_path / f"x.{suffix}"
    if kind == "folder":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "device":
        target.symlink_to("/dev/full")
    elif kind == "loop":
        target.symlink_to(target)
    elif kind == "missing folder":
        target = tmp_path / "no" / target.name
    else:
        (tmp_path / "no").touch()
        target = tmp_path / "no" / target.name
    before = names(tmp_path), Path("/dev/full").lstat().st_mode
    with pytest.raises(FileError) as caught:
        NEW.write(target)
    assert str(target) in str(caught.value)
    assert (names(tmp_path), Path("/dev/full").lstat().st_mode) == before
    assert not target.is_file()


def test_pair_untouched(tmp_path: Path) -> None:
    """When one file of a pair cannot be written, the other is not touched either."""
    OLD.write(tmp_path / "x.csv", "both")
    before = (tmp_path / "x.models.csv").read_bytes()
    (tmp_path / "x.instances.csv").unlink()
    (tmp_path / "x.instances.csv").mkdir()
    with pytest.raises(FileError, match=r"x\.instances\.csv"):
        NEW.write(tmp_path / "x.csv", "both")
    assert (tmp_path / "x.models.csv").read_bytes() == before
    assert names(tmp_path) == ["x.instances.csv", "x.models.csv"]
