from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from appliance.settings import Intake, Settings, load_settings, read_settings
from runtime.engines.loading import Device, OnGpuLoss
from runtime.errors import ConfigurationError


def written(tmp_path: Path, text: str) -> Path:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir(exist_ok=True)
    path = tmp_path / "strokebox.toml"
    path.write_text(text.replace("TMP", str(tmp_path)))
    return path


EXAMPLE = Path(__file__).parents[2] / "systemd/strokebox.toml"
FOLDERS = '[folders]\ninbox = "TMP/inbox"\nresults = "TMP/results"\nstate = "TMP/state"\n'


def test_folders_are_enough(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, FOLDERS))
    assert settings.folders.inbox == tmp_path / "inbox"
    assert settings.intake.quiet_seconds == 10
    assert settings.analysis.device is Device.AUTO
    assert settings.analysis.on_gpu_loss is OnGpuLoss.CPU
    assert list((tmp_path / "inbox").iterdir()) == []  # tried by writing, and nothing is left


def mistakes(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_all_mistakes_at_once_each_with_its_key_and_what_would_be_right(tmp_path: Path) -> None:
    text = (
        '[folders]\ninbox = "inbox"\nstate = 5\n[intake]\nquiet_second = 3\nscan_seconds = 0\nreader_seconds = "ten"\n'
        'colour = "red"\n[analysis]\ndevice = "tpu"\nsave_nifti = "maybe"\n[analyses]\n'
    )
    assert sorted(mistakes(written(tmp_path, text))) == [
        "analyses: there is no such setting; did you mean analysis?",
        "analysis.device: must be 'auto', 'cpu' or 'gpu', not \"tpu\".",
        'analysis.save_nifti: must be true or false, not "maybe".',
        "folders.inbox: must be an absolute path, not inbox.",
        "folders.results: is missing.",
        "folders.state: must be a path in quotes, not 5.",
        f"intake.colour: there is no such setting; there are {', '.join(Intake.model_fields)}.",
        "intake.quiet_second: there is no such setting; did you mean quiet_seconds?",
        'intake.reader_seconds: must be a number, not "ten".',
        "intake.scan_seconds: must be more than 0, not 0.",
    ]


def test_folders_are_tried_beside_other_mistakes(tmp_path: Path) -> None:
    path = written(tmp_path, f"{FOLDERS}[intake]\nscan_seconds = 61\n")
    (tmp_path / "inbox").rmdir()
    assert mistakes(path) == [
        "intake.scan_seconds: must be at most 60, not 61.",
        f"folders.inbox: there is no folder {tmp_path / 'inbox'}; make it.",
    ]


def test_a_section_that_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, f"intake = 3\n{FOLDERS}")
    assert mistakes(path) == ["intake: must be a section of its own, not 3."]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ('inbox = "TMP/nowhere"', "folders.inbox: there is no folder .*nowhere; make it"),
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


def test_the_example_has_every_setting_its_default_and_a_comment() -> None:
    """All but the folders, which have no default."""
    settings = read_settings(EXAMPLE)
    assert settings == Settings(folders=settings.folders)
    lines = pairwise(EXAMPLE.read_text(encoding="utf-8").splitlines())
    keys = [line.partition(" = ")[0] for comment, line in lines if comment.startswith("# ") and " = " in line]
    assert keys == [key for _, section in settings for key in type(section).model_fields]


ENGINES = '[engines]\nfolder = "TMP/engines"\nincoming = "TMP/incoming"\ntrusted_keys = "TMP/keys"\n'


def test_a_folder_of_engines_that_is_named_must_be_there_and_where_they_come_from_need_not(tmp_path: Path) -> None:
    """The share that IT drops engines into may be away, and the first key not be there yet: studies are analysed."""
    path = written(tmp_path, FOLDERS + ENGINES)
    assert mistakes(path) == [f"engines.folder: there is no folder {tmp_path / 'engines'}; make it."]
    (tmp_path / "engines").mkdir()
    assert load_settings(path).engines.trusted_keys == tmp_path / "keys"


def test_a_share_for_new_engines_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs would hold up whoever asks of it."""
    path, resolve = written(tmp_path, FOLDERS + ENGINES), Path.resolve

    def hangs(folder: Path, strict: bool = False) -> Path:
        assert "incoming" not in folder.parts
        return resolve(folder, strict)

    (tmp_path / "engines").mkdir()
    monkeypatch.setattr(Path, "resolve", hangs)
    assert load_settings(path).engines.incoming == tmp_path / "incoming"


@pytest.mark.parametrize("place", ["TMP/results/x", "TMP/link/x", "TMP/engines/../inbox"])
def test_new_engines_come_from_where_no_drop_and_no_result_is(tmp_path: Path, place: str) -> None:
    text = (FOLDERS + ENGINES).replace("TMP/incoming", place).replace('results = "TMP/results"', 'results = "TMP/link"')
    (tmp_path / "results").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "results")
    (tmp_path / "engines").mkdir()
    assert "lies in folders." in "".join(mistakes(written(tmp_path, text)))


def test_engines_and_keys_lie_where_no_drop_and_no_result_can(tmp_path: Path) -> None:
    text = (FOLDERS + ENGINES).replace("TMP/engines", "TMP/results/x").replace("TMP/keys", "TMP/incoming/keys")
    path = written(tmp_path, text)
    for name in ("results/x", "incoming/keys"):
        (tmp_path / name).mkdir(parents=True)
    assert mistakes(path) == [
        "engines.folder: lies in folders.results; each needs a place of its own.",
        "engines.trusted_keys: lies in engines.incoming; whoever drops engines could add a key.",
    ]


def test_folders_of_engines_are_absolute(tmp_path: Path) -> None:
    path = written(tmp_path, f'{FOLDERS}[engines]\nfolder = "engines"\n')
    assert mistakes(path) == ["engines.folder: must be an absolute path, not engines."]
