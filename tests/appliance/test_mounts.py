from __future__ import annotations

from pathlib import Path

import pytest

from appliance.mounts import NETWORK, file_system, is_network

MOUNTINFO = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/in\\040box rw shared:2 - cifs //pacs/ct rw,vers=3.1.1
31 30 8:2 / /srv/in\\040box/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /data rw - ext4 /dev/sdc1 rw
33 22 0:42 / /data rw - nfs4 nas:/ct rw
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/srv/other", "ext4"),
        ("/srv/in box", "cifs"),
        ("/srv/in box/a/b", "cifs"),
        ("/srv/in boxes", "ext4"),
        ("/srv/in box/local/a", "xfs"),
        ("/data/x", "nfs4"),
    ],
)
def test_the_innermost_and_last_mount_counts(folder: str, expected: str) -> None:
    assert file_system(Path(folder), MOUNTINFO) == expected


def test_shares() -> None:
    assert {"cifs", "nfs4"} <= NETWORK
    assert not {"ext4", "xfs", "btrfs", "tmpfs", "overlay"} & NETWORK


def test_this_machine(tmp_path: Path) -> None:
    assert not is_network(tmp_path)
