"""What docs/it.md says of new engines, a box does and says: every line of its sections, command by command."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from appliance.cli import main
from tests.resilience.test_update_kills import box
from tests.signed_bundles import KEY, OTHER_KEY, write_signed, write_trusted, zipped

GUIDE = (Path(__file__).parents[2] / "docs/it.md").read_text(encoding="utf-8").partition("## New engines")[2]
GUIDE = GUIDE.partition("### Publishers")[0]
BLOCKS = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
QUOTED = [line for block in BLOCKS for line in block.splitlines() if not line.startswith(("$ ", "sudo install -m"))]
ELSEWHERE = (
    "<file>.zip: It is still being copied and was left alone.",  # tests/appliance/test_incoming.py
    (
        "strokebox: <folder> belongs to the user <user>, and this command writes to it: run it as that user, "
        "with sudo -u <user>."
    ),  # tests/appliance/test_owner.py
)


class Terminal:
    """What is typed, and all that was said."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self._capsys = box(root), capsys
        self.said: list[str] = []

    def engines(self, *words: object) -> int:
        code = main(["engines", str(words[0]), "--config", str(self.config), *map(str, words[1:])])
        printed = self._capsys.readouterr()
        self.said += (printed.out + printed.err).splitlines()
        return code


def bundle(root: Path, serial: int, *, is_wrong: bool = False) -> Path:
    return write_signed(root / f"toy{serial}", serial, is_wrong=is_wrong)


def test_it_says_what_the_guide_quotes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = Terminal(tmp_path, capsys)
    keys, incoming = tmp_path / "keys", tmp_path / "incoming"
    one, two = bundle(tmp_path, 11), bundle(tmp_path, 12)
    (keys / "first.pub").unlink()
    assert box.engines("verify", one) == 3
    write_trusted(keys, {"first.pub": KEY})
    assert box.engines("rollback") == 3
    assert box.engines("verify", zipped(one)) == 0

    shutil.copy(one.with_suffix(".zip"), incoming)
    assert box.engines("install", "--incoming") == 0
    box.said += (incoming / "accepted/toy11.zip.txt").read_text().splitlines()
    assert box.engines("install", "--stage-only", zipped(two)) == 0
    assert box.engines("activate") == 0
    assert box.engines("rollback") == 0
    assert box.engines("install", two) == 3
    assert box.engines("install", one) == 3
    assert box.engines("install", bundle(tmp_path, 5)) == 3
    assert box.engines("install", bundle(tmp_path, 13, is_wrong=True)) == 5
    (keys / "second.pub").write_text("no key")
    assert box.engines("list") == 0
    (keys / "second.pub").unlink()

    (tmp_path / "half.zip").write_bytes(two.with_suffix(".zip").read_bytes()[:-1])
    assert box.engines("verify", tmp_path / "half.zip") == 3
    assert box.engines("verify", write_signed(tmp_path / "other", 14, OTHER_KEY)) == 3
    (two / "more").write_bytes(b"")
    assert box.engines("verify", two) == 3
    (two / "more").rename(two / "golden/box.npz")
    assert box.engines("verify", write_altered(tmp_path / "altered")) == 3
    (one / "golden/box.npz").unlink()
    assert box.engines("verify", one) == 3
    (one / "manifest.sig").unlink()
    assert box.engines("verify", one) == 3
    (tmp_path / "file").write_bytes(b"")
    text = box.config.read_text().replace(f'folder = "{tmp_path}/engines"', f'folder = "{tmp_path}/file/engines"')
    box.config.write_text(text)
    assert box.engines("rollback") == 3

    patterns = {line: re.sub(r"<[^>]*>", ".+", re.escape(line)) for line in QUOTED}
    said = {line for line, pattern in patterns.items() if any(re.fullmatch(pattern, one) for one in box.said)}
    assert [line for line in QUOTED if line not in said and line not in ELSEWHERE] == []
    unquoted = [one for one in box.said if not any(re.fullmatch(pattern, one) for pattern in patterns.values())]
    assert unquoted == []


def write_altered(folder: Path) -> Path:
    write_signed(folder, 15)
    path = folder / "models/axial.onnx"
    path.write_bytes(path.read_bytes()[::-1])
    return folder


def test_the_commands_that_it_names_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"strokebox engines (\w+)", GUIDE))
    assert named == {"verify", "install", "list", "activate", "rollback"}
    for name in named:
        with pytest.raises(SystemExit, match="0"):
            main(["engines", name, "--help"])
    assert "--incoming" not in capsys.readouterr().err
