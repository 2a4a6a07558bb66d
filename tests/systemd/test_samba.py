"""The Samba example: Samba takes it as it is, and it lets nobody do more than it should."""

from __future__ import annotations

import configparser
import subprocess

import pytest

from tests.systemd.units import FOLDER

EXAMPLE = FOLDER / "smb.conf"


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    """As Samba understands it, all defaults among it."""
    done = subprocess.run(
        ["testparm", "-s", "-v", str(EXAMPLE)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Unknown parameter" not in done.stderr
    assert "WARNING" not in done.stderr
    assert "Loaded services file OK" in done.stderr
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read_string(done.stdout)
    return config


def test_two_shares_and_no_more(config: configparser.ConfigParser) -> None:
    assert config.sections() == ["global", "inbox", "results"]
    assert [config[share]["path"] for share in ("inbox", "results")] == [
        "/srv/strokebox/inbox",
        "/srv/strokebox/results",
    ]  # neither spool nor engines, and nothing above them


def test_no_guests_and_everything_encrypted(config: configparser.ConfigParser) -> None:
    whole = config["global"]
    assert whole["map to guest"] == "Never"
    assert whole["server min protocol"] in ("SMB3", "SMB3_00")
    assert whole["server smb encrypt"] == "required"
    assert whole["restrict anonymous"] == "2"
    for share in ("inbox", "results"):
        assert config[share].get("guest ok", "No") == "No"
        assert config[share]["valid users"].startswith("@strokebox-")


def test_the_inbox_is_for_writing_and_shows_nobody_what_others_put_there(config: configparser.ConfigParser) -> None:
    inbox = config["inbox"]
    assert (inbox["read only"], inbox["hide unreadable"]) == ("No", "Yes")
    assert (inbox["create mask"], inbox["directory mask"]) == ("0660", "0770")  # nothing for all others
    assert not {"force user", "force group"} & {key for key in inbox if inbox[key]}  # drops stay their owner's


def test_results_are_for_reading(config: configparser.ConfigParser) -> None:
    assert config["results"].get("read only", "Yes") == "Yes"
    assert config["results"]["valid users"] != config["inbox"]["valid users"]


def test_no_links_lead_out(config: configparser.ConfigParser) -> None:
    for share in ("inbox", "results"):
        assert config[share]["follow symlinks"] == "No"
        assert config[share].get("wide links", "No") == "No"
