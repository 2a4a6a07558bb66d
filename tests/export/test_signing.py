"""Keys, signatures and the zip for boxes, as the workstation makes them."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from appliance.trust import load_trust, open_signed
from export.__main__ import main
from export.package import write_package
from export.signing import load_key, sign, write_keys
from runtime.bundle import MANIFEST, SIGNATURE
from runtime.errors import BundleError, UsageError
from tests.toy_bundle import write_toy_bundle


def test_a_key_pair_signs_what_a_box_with_the_public_half_opens(tmp_path: Path) -> None:
    private, public = write_keys(tmp_path / "keys")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"PRIVATE" not in public.read_bytes()
    toy = write_toy_bundle(tmp_path / "toy")
    sign(toy, load_key(private))
    (tmp_path / "box").mkdir()
    shutil.copy(public, tmp_path / "box")
    assert open_signed(toy, load_trust(tmp_path / "box")).manifest.name == "toy"


def test_a_passphrase_protects_the_key(tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path, "correct horse", name="site")
    assert private.name == "site.key"
    assert b"ENCRYPTED" in private.read_bytes()
    load_key(private, "correct horse")
    with pytest.raises(UsageError, match="has a passphrase"):
        load_key(private)
    with pytest.raises(UsageError, match="passphrase is another"):
        load_key(private, "battery staple")


def test_no_key_is_ever_overwritten(tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path)
    before = private.read_bytes()
    with pytest.raises(UsageError, match=r"a key in .* already"):
        write_keys(tmp_path)
    assert private.read_bytes() == before


def test_a_private_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path)
    private.chmod(0o640)
    with pytest.raises(UsageError, match="Others may read"):
        load_key(private)


def test_what_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "x.key").write_text("no key")
    (tmp_path / "x.key").chmod(0o600)
    for path, reason in ((tmp_path / "x.key", "no private key"), (tmp_path / "nowhere", "can't be read")):
        with pytest.raises(UsageError, match=reason):
            load_key(path)


def test_only_a_whole_bundle_is_signed(tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path)
    toy = write_toy_bundle(tmp_path / "toy")
    (toy / "models/axial.onnx").write_bytes(b"")
    with pytest.raises(BundleError):
        sign(toy, load_key(private))
    assert not (toy / SIGNATURE).exists()


def test_the_zip_is_the_same_each_time_and_holds_what_is_listed(tmp_path: Path) -> None:
    private, _ = write_keys(tmp_path)
    toy = write_toy_bundle(tmp_path / "toy")
    with pytest.raises(BundleError, match="is not signed"):
        write_package(toy, tmp_path / "toy.zip")
    sign(toy, load_key(private))
    one, two = (write_package(toy, tmp_path / f"{number}.zip").read_bytes() for number in (1, 2))
    assert one == two
    with zipfile.ZipFile(tmp_path / "1.zip") as package:
        names = package.namelist()
    assert names[:2] == [MANIFEST, SIGNATURE]
    assert set(names) == {path.relative_to(toy).as_posix() for path in toy.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="must be a new file"):
        write_package(toy, tmp_path / "1.zip")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy, words = write_toy_bundle(tmp_path / "toy"), tmp_path / "words"
    words.write_text("correct horse\n")
    assert main(["key", "--out", str(tmp_path / "keys"), "--passphrase-file", str(words)]) == 0
    private = capsys.readouterr().out.splitlines()[0]
    arguments = ["sign", str(toy), "--key", private, "--zip", str(tmp_path / "toy.zip")]
    assert main(arguments) == 2
    assert "has a passphrase" in capsys.readouterr().err
    assert main([*arguments, "--passphrase-file", str(words)]) == 0
    assert capsys.readouterr().out.splitlines() == ["toy 1.0, serial 1, is signed", str(tmp_path / "toy.zip")]
