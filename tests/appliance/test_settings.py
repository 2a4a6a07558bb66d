from __future__ import annotations

from pathlib import Path

import pytest

from appliance.settings import load_settings, read_settings
from runtime.engines.loading import Device, OnGpuLoss
from runtime.errors import ConfigurationError


def written(tmp_path: Path, text: str) -> Path:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir(exist_ok=True)
    path = tmp_path / "strokebox.toml"
    path.write_text(text.replace("TMP", str(tmp_path)))
    return path


FOLDERS = '[folders]\ninbox = "TMP/inbox"\nresults = "TMP/results"\nstate = "TMP/state"\n'


def test_folders_are_enough(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, FOLDERS))
    assert settings.folders.inbox == tmp_path / "inbox"
    assert settings.intake.quiet_seconds == 10
    assert settings.analysis.device is Device.AUTO
    assert settings.analysis.on_gpu_loss is OnGpuLoss.CPU
    assert list((tmp_path / "inbox").iterdir()) == []  # tried by writing, and nothing is left


def test_all_mistakes_at_once_each_with_its_key(tmp_path: Path) -> None:
    text = '[folders]\ninbox = "inbox"\nstate = "TMP/state"\n[intake]\nquiet_second = 3\nscan_seconds = 0\n[analyses]\n'
    with pytest.raises(ConfigurationError) as caught:
        load_settings(written(tmp_path, text))
    lines = str(caught.value).splitlines()[1:]
    keys = ["folders.inbox", "folders.results", "intake.quiet_second", "intake.scan_seconds", "analyses"]
    assert sorted(line.split(":")[0].strip() for line in lines) == sorted(keys)
    assert any("must be an absolute path" in line for line in lines)
    assert any("is missing" in line for line in lines)
    assert sum("there is no such setting" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ('inbox = "TMP/nowhere"', "folders.inbox: .*nowhere: No such file"),
        ('inbox = "TMP/results"', "lies in folders.results"),
        ('inbox = "TMP/state/inbox"', "lies in folders.state"),
    ],
)
def test_folders_that_can_not_be_used(tmp_path: Path, change: str, expected: str) -> None:
    path = written(tmp_path, FOLDERS.replace('inbox = "TMP/inbox"', change))
    (tmp_path / "state/inbox").mkdir()
    with pytest.raises(ConfigurationError, match=expected):
        load_settings(path)


@pytest.mark.parametrize(("content", "expected"), [(b"[folders", "not TOML"), (b"\xff", "not TOML")])
def test_what_is_no_toml(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "strokebox.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=expected):
        load_settings(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_settings(tmp_path / "strokebox.toml")


@pytest.mark.parametrize("waits", ["quiet_seconds = 2000", "quiet_seconds = 20\nlongest_wait_seconds = 19"])
def test_patience_is_not_shorter_than_quiet(tmp_path: Path, waits: str) -> None:
    with pytest.raises(ConfigurationError, match=r"intake.longest_wait_seconds: .*must not be below quiet_seconds"):
        load_settings(written(tmp_path, f"{FOLDERS}[intake]\n{waits}\n"))


def test_the_state_is_not_kept_on_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, FOLDERS)
    mounts = "1 0 0:1 / / rw - ext4 /dev/sda rw\n2 1 0:2 / STATE rw - cifs //server/share rw\n"
    (tmp_path / "mountinfo").write_text(mounts.replace("STATE", str((tmp_path / "state").resolve())))
    monkeypatch.setattr("appliance.mounts.MOUNTINFO", tmp_path / "mountinfo")
    with pytest.raises(ConfigurationError, match=r"folders.state: .*network share"):
        load_settings(path)


@pytest.mark.parametrize("seconds", ["inf", "nan", "86401"])
def test_a_reading_has_an_end(tmp_path: Path, seconds: str) -> None:
    with pytest.raises(ConfigurationError, match=r"intake.reader_seconds"):
        load_settings(written(tmp_path, f"{FOLDERS}[intake]\nreader_seconds = {seconds}\n"))


def test_what_to_do_without_the_gpu(tmp_path: Path) -> None:
    text = FOLDERS + '[analysis]\ndevice = "gpu"\non_gpu_loss = "stop"\n'
    assert load_settings(written(tmp_path, text)).analysis.on_gpu_loss is OnGpuLoss.STOP
    with pytest.raises(ConfigurationError, match=r"analysis.on_gpu_loss: .*'cpu' or 'stop'"):
        load_settings(written(tmp_path, text.replace("stop", "wait")))


def test_settings_can_be_read_without_touching_a_folder(tmp_path: Path) -> None:
    path = written(tmp_path, FOLDERS)
    (tmp_path / "results").rmdir()
    assert read_settings(path).folders.results == tmp_path / "results"
