"""install.sh and uninstall.sh below a scratch root: what they make, the same twice, and what they never remove."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

from appliance.service import FOLDERS, RoleName
from appliance.settings import load_settings, read_settings
from tests.requirements import require_root
from tests.systemd.units import FOLDER, UNITS, in_root

DATA = ("srv/strokebox/results/CT 1/result.json", "var/lib/strokebox/jobs.sqlite", "etc/strokebox/keys/site.pub")


@pytest.fixture(autouse=True)
def _root() -> None:
    require_root()


def install(root: Path) -> str:
    done = in_root("install.sh", root)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tree(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything but the lock file of the user database: rights, owners and content by path."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        if path.name != ".pwd.lock":
            found[str(path.relative_to(root))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


def with_data(root: Path) -> None:
    for name in DATA:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("dear")
    (root / "etc/strokebox/strokebox.toml").write_text("# a site's own\n")


def test_installing_again_changes_nothing(tmp_path: Path) -> None:
    assert "from the example" in install(tmp_path)
    first = tree(tmp_path)
    with_data(tmp_path)
    before = tree(tmp_path)
    assert "stays as it is" in install(tmp_path)
    assert tree(tmp_path) == before
    assert {name for name in first if name.startswith("etc/systemd/system/")} == {
        f"etc/systemd/system/{unit}" for unit in UNITS
    }


def test_an_update_is_started_with_the_target_no_more(tmp_path: Path) -> None:
    link = tmp_path / "etc/systemd/system/strokebox.target.wants/strokebox-engines.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("/etc/systemd/system/strokebox-engines.service")
    install(tmp_path)
    assert not link.is_symlink()


def test_users_and_folders(tmp_path: Path) -> None:
    install(tmp_path)
    entries = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    assert [(name, shell) for name, *_, shell in entries if name.startswith("strokebox")] == [
        ("strokebox", "/usr/sbin/nologin"),
        ("strokebox-engines", "/usr/sbin/nologin"),
    ]
    members = {line.split(":")[0]: line.split(":")[3] for line in (tmp_path / "etc/group").read_text().splitlines()}
    assert members["systemd-journal"] == "strokebox"  # or the support bundle has no line of the journal
    users = {name: int(number) for name, _, number, *_ in entries}
    groups = {line.split(":")[0]: int(line.split(":")[2]) for line in (tmp_path / "etc/group").read_text().splitlines()}

    def folder(name: str) -> tuple[str, int, int]:
        status = (tmp_path / name).stat()
        return oct(stat.S_IMODE(status.st_mode)), status.st_uid, status.st_gid

    box, engines = users["strokebox"], users["strokebox-engines"]
    assert folder("srv/strokebox/inbox") == ("0o1770", box, groups["strokebox-upload"])
    assert folder("srv/strokebox/results") == ("0o750", box, groups["strokebox-results"])
    assert folder("var/lib/strokebox") == ("0o700", box, groups["strokebox"])
    assert folder("var/lib/strokebox-engines") == ("0o755", engines, groups["strokebox-engines"])
    assert folder("var/lib/strokebox-engines/incoming") == ("0o770", engines, groups["strokebox-engines"])


def test_the_example_settings_name_the_folders_that_are_made(tmp_path: Path) -> None:
    install(tmp_path)
    for _, folder in read_settings(tmp_path / "etc/strokebox/strokebox.toml").folders:
        assert (tmp_path / folder.relative_to("/")).is_dir()


@pytest.mark.parametrize("role", RoleName)
def test_the_roles_start_with_the_example_settings_and_the_folders_that_are_made(
    tmp_path: Path, role: RoleName
) -> None:
    install(tmp_path)
    config = tmp_path / "etc/strokebox/strokebox.toml"
    config.write_text(re.sub(r'"/(etc|srv|var)/', rf'"{tmp_path}/\1/', config.read_text()))
    keys = load_settings(config, FOLDERS[role]).engines.trusted_keys
    status = keys.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)


def test_units_run_what_was_installed(tmp_path: Path) -> None:
    install(tmp_path)
    text = "".join((tmp_path / "etc/systemd/system" / unit).read_text() for unit in UNITS)
    assert f"ExecStart={FOLDER.parent}/.venv/bin/strokebox serve --role worker" in text
    assert "/opt/strokebox" not in text


def test_the_command_is_where_shells_look(tmp_path: Path) -> None:
    command = tmp_path / "usr/local/bin/strokebox"
    for _ in range(2):
        install(tmp_path)
        assert command.readlink() == FOLDER.parent / ".venv/bin/strokebox"
    assert in_root("uninstall.sh", tmp_path).returncode == 0
    assert not command.is_symlink()


def test_somebody_elses_command_of_that_name_stays(tmp_path: Path) -> None:
    command = tmp_path / "usr/local/bin/strokebox"
    command.parent.mkdir(parents=True)
    command.write_text("mine")
    assert "stays" in install(tmp_path)
    assert in_root("uninstall.sh", tmp_path).returncode == 0
    assert command.read_text() == "mine"


@pytest.mark.parametrize(("script", "option"), [("install.sh", "--no-start"), ("uninstall.sh", "--delete-data")])
def test_the_scripts_say_what_they_take(script: str, option: str, tmp_path: Path) -> None:
    done = in_root(script, tmp_path, ["--help"])
    assert (done.returncode, done.stderr) == (0, "")
    assert option in done.stdout
    assert "DESTDIR" in done.stdout
    assert "set -eu" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_uninstalling_leaves_data_and_settings(tmp_path: Path) -> None:
    install(tmp_path)
    with_data(tmp_path)
    before = tree(tmp_path)
    for _ in range(2):
        done = in_root("uninstall.sh", tmp_path)
        assert done.returncode == 0, done.stderr
        assert "left as they are" in done.stdout
        gone = before.keys() - tree(tmp_path).keys()
        assert gone == {
            *(f"etc/systemd/system/{unit}" for unit in UNITS),
            "etc/sysusers.d/strokebox.conf",
            "etc/tmpfiles.d/strokebox.conf",
            "usr/local/bin/strokebox",
        }


def test_data_goes_where_that_is_said(tmp_path: Path) -> None:
    install(tmp_path)
    with_data(tmp_path)
    assert in_root("uninstall.sh", tmp_path, ["--delete-data"]).returncode == 0
    assert not any((tmp_path / name).exists() for name in (*DATA, "srv/strokebox", "etc/strokebox"))
    assert (tmp_path / "etc/passwd").exists()


@pytest.mark.parametrize("script", ["install.sh", "uninstall.sh"])
def test_unknown_options_do_nothing(script: str, tmp_path: Path) -> None:
    done = in_root(script, tmp_path, ["--purge"])
    assert done.returncode == 1
    assert "there is no option --purge" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", ["install.sh", "uninstall.sh"])
def test_shellcheck_finds_nothing(script: str) -> None:
    done = subprocess.run(["shellcheck", str(FOLDER / script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


UPLOADER, OTHER, READER, SERVICE = 60001, 60002, 60003, 65534
"""User ids without names, but for the last, nobody, who stands for the service: rights need a name to be read."""


def as_user(user: int, group: int, command: str) -> bool:
    """Whether a shell of that user can."""
    return subprocess.run(["sh", "-c", command], user=user, group=group, extra_groups=[], check=False).returncode == 0


def test_who_can_do_what_in_the_folders(tmp_path: Path) -> None:
    """The rights of tmpfiles.conf with users that every machine has."""
    upload, results = 60010, 60020
    lines = (FOLDER / "tmpfiles.conf").read_text()
    for name, number in (("strokebox-upload", upload), ("strokebox-results", results)):
        lines = lines.replace(f" strokebox {name} ", f" nobody {number} ").replace(f"group:{name}:", f"group:{number}:")
    lines = lines.replace("user:strokebox:", "user:nobody:").replace("/srv/", f"{tmp_path}/srv/")
    ours = [line for line in lines.splitlines() if f"{tmp_path}/srv" in line]
    (tmp_path / "rights.conf").write_text("\n".join(ours) + "\n")
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if not folder.stat().st_mode & stat.S_IXOTH and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    done = subprocess.run(
        ["systemd-tmpfiles", "--create", str(tmp_path / "rights.conf")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    inbox, shown = tmp_path / "srv/strokebox/inbox", tmp_path / "srv/strokebox/results"
    # As smb.conf's masks have it.
    assert as_user(
        UPLOADER, upload, f"mkdir -m 770 {inbox}/a && echo dear > {inbox}/a/1.dcm && chmod 660 {inbox}/a/1.dcm"
    )
    assert not as_user(
        OTHER, upload, f"ls {inbox}/a || cat {inbox}/a/1.dcm || rm -r {inbox}/a || mv {inbox}/a {inbox}/b"
    )
    assert not as_user(READER, results, f"ls {inbox}")
    assert as_user(SERVICE, SERVICE, f"cat {inbox}/a/1.dcm && rm {inbox}/a/1.dcm && rmdir {inbox}/a")
    publish = "umask 077; mkdir .1 && chmod 755 .1 && echo x > .1/report.pdf && mv .1 r"
    assert as_user(SERVICE, SERVICE, f"cd {shown} && {publish}")
    assert as_user(READER, results, f"ls {shown} && cat {shown}/r/report.pdf")
    assert not as_user(READER, results, f"rm -r {shown}/r || echo > {shown}/r/report.pdf || mkdir {shown}/x")
    assert not as_user(UPLOADER, upload, f"ls {shown}")
    assert list(inbox.iterdir()) == []
