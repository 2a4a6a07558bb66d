"""R19: kill -9 in the middle of `strokebox engines install`, as often as you like: verified engines stay active.

STROKEBOX_UPDATE_KILLS is how often; 8 unless set.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.chosen_engines import chosen_bundle
from appliance.settings import read_settings
from runtime.errors import EngineError
from tests.signed_bundles import KEY, write_signed, write_trusted, zipped

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("STROKEBOX_UPDATE_KILLS", "8"))


def box(root: Path) -> Path:
    """Its settings."""
    for name in ("inbox", "results", "state", "engines", "incoming"):
        (root / name).mkdir()
    write_trusted(root / "keys", {"first.pub": KEY})
    folders = "".join(f'{name} = "{root}/{name}"\n' for name in ("inbox", "results", "state"))
    engines = f'folder = "{root}/engines"\nincoming = "{root}/incoming"\ntrusted_keys = "{root}/keys"\n'
    config = root / "strokebox.toml"
    config.write_text(f'[folders]\n{folders}[analysis]\ndevice = "cpu"\n[disk]\nfree_percent = 0\n[engines]\n{engines}')
    return config


def started(config: Path, bundle: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "appliance", "engines", "install", "--config", str(config), str(bundle)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(config: Path, bundle: Path) -> float:
    """Install it; where its trial was cut off too often before, that is said once. Seconds."""
    start = time.monotonic()
    code = started(config, bundle).wait(120)
    if code == EngineError.exit_code:
        code = started(config, bundle).wait(120)
    assert code == 0
    return time.monotonic() - start


@pytest.mark.slow
def test_kills_in_the_middle_of_updates(tmp_path: Path) -> None:
    config, rng = box(tmp_path), random.Random(1)
    settings = read_settings(config)
    serial, killed = 10, 0  # newer than the shipped ones
    seconds = finished(config, zipped(write_signed(tmp_path / "bundle10", serial)))
    while killed < KILLS:
        serial += 1
        bundle = zipped(write_signed(tmp_path / f"bundle{serial}", serial))
        for _ in range(4):
            process = started(config, bundle)
            time.sleep(rng.uniform(0.3, 1.0) * seconds)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            assert chosen_bundle(settings.engines).manifest.serial in (serial - 1, serial)
        if chosen_bundle(settings.engines).manifest.serial != serial:
            finished(config, bundle)
        assert chosen_bundle(settings.engines).manifest.serial == serial
    assert len(list((tmp_path / "engines/slots").iterdir())) == 2
    assert list((tmp_path / "results").iterdir()) == []
