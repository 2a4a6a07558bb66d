"""R18: what is not exactly what a trusted key signed is refused, whatever differs and however it is brought.

STROKEBOX_FLIPS is how many bytes of listed files are flipped, one at a time; 200 unless set.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.arrival import arrived
from appliance.trust import Trust, load_trust, open_signed
from appliance.verification import drain, signed
from runtime.bundle import MANIFEST, SIGNATURE
from runtime.errors import BundleError, ConfigurationError
from tests.file_modes import bound_by_modes
from tests.signed_bundles import KEY, OTHER_KEY, TRUST, relist, resign, write_signed, write_trusted, zipped

FLIPS = int(os.environ.get("STROKEBOX_FLIPS", "200"))


def verified(path: Path, trust: Trust = TRUST) -> str:
    with arrived(path) as arrival:
        found = signed(arrival, trust)
        found.contents(drain)
    return found.slot


def refused(path: Path, trust: Trust = TRUST) -> str:
    """The sentence."""
    with pytest.raises(BundleError) as caught:
        verified(path, trust)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_signed(tmp_path / "bundle")


def flipped(path: Path, places: Iterator[int] | range) -> Iterator[None]:
    """Each of the bytes in turn, with one of its bits or all of them changed."""
    whole = path.read_bytes()
    for place in places:
        for bits in (1 << place % 8, 0xFF):
            with path.open("r+b") as file:
                file.seek(place)
                file.write(bytes([whole[place] ^ bits]))
            yield
        path.write_bytes(whole)


def test_what_was_signed_is_taken_as_folder_and_as_zip(bundle: Path) -> None:
    assert verified(bundle) == verified(zipped(bundle))
    assert verified(bundle).startswith("2-")
    assert open_signed(bundle, TRUST).manifest.serial == 2


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE])
def test_every_flipped_byte_of_manifest_and_signature(bundle: Path, name: str) -> None:
    for _ in flipped(bundle / name, range((bundle / name).stat().st_size)):
        refused(bundle)
        with pytest.raises(BundleError):
            open_signed(bundle, TRUST)
    verified(bundle)


def test_flipped_bytes_of_every_listed_file(bundle: Path) -> None:
    rng = random.Random(1)
    files = [path for path in sorted(bundle.rglob("*")) if path.is_file() and path.name not in (MANIFEST, SIGNATURE)]
    assert {path.parent.name for path in files} == {"models", "golden"}
    for path in files:
        size = path.stat().st_size
        for _ in flipped(path, (rng.randrange(size) for _ in range(FLIPS // len(files)))):
            assert "was altered" in refused(bundle)
    verified(bundle)


def test_flipped_bytes_of_a_zip_never_give_other_contents(bundle: Path) -> None:
    """Some lie where nothing is kept, as dates; what is taken is what was signed."""
    package, rng, taken = zipped(bundle), random.Random(2), 0
    size = package.stat().st_size
    for _ in flipped(package, (rng.randrange(size) for _ in range(FLIPS))):
        try:
            verified(package)
            taken += 1
        except BundleError:
            pass
    assert taken < FLIPS


def _add(bundle: Path) -> None:
    (bundle / "models/more.onnx").write_bytes(b"more")


def _remove(bundle: Path) -> None:
    (bundle / "models/axial.onnx").unlink()


def _rename(bundle: Path) -> None:
    (bundle / "models/axial.onnx").rename(bundle / "models/Axial.onnx")


def _link(bundle: Path) -> None:
    path = bundle / "models/axial.onnx"
    path.rename(bundle.parent / "elsewhere")
    path.symlink_to(bundle.parent / "elsewhere")


def _link_folder(bundle: Path) -> None:
    (bundle / "models").rename(bundle.parent / "elsewhere")
    (bundle / "models").symlink_to(bundle.parent / "elsewhere")


def _pipe(bundle: Path) -> None:
    (bundle / "models/axial.onnx").unlink()
    os.mkfifo(bundle / "models/axial.onnx")


def _unsign(bundle: Path) -> None:
    (bundle / SIGNATURE).unlink()


def _sign_with_another(bundle: Path) -> None:
    resign(bundle, OTHER_KEY)


def _lengthen(bundle: Path) -> None:
    with (bundle / "golden/box.npz").open("ab") as file:
        file.write(b"\0")


def _shorten(bundle: Path) -> None:
    os.truncate(bundle / "golden/box.npz", 100)


def _lengthen_signature(bundle: Path) -> None:
    (bundle / SIGNATURE).write_bytes((bundle / SIGNATURE).read_bytes() + b"\n")


def _list_outside(bundle: Path) -> None:
    relist(bundle, models=[{"file": "../x", "plane": plane} for plane in ("axial", "coronal", "sagittal")])
    resign(bundle)


def _no_manifest(bundle: Path) -> None:
    (bundle / MANIFEST).unlink()


def _endless_manifest(bundle: Path) -> None:
    (bundle / MANIFEST).write_bytes(b" " * (1 << 20) + b" ")


CHANGES: dict[Callable[[Path], None], str] = {
    _add: "is not in the manifest",
    _remove: "models/axial.onnx is missing",
    _rename: "is not in the manifest",
    _link: "is a link",
    _link_folder: "is a link",
    _pipe: "no regular file",
    _unsign: "was never signed",
    _sign_with_another: "not signed by a key that this box trusts",
    _lengthen: "has more bytes, not",
    _shorten: "has 100 bytes, not",
    _lengthen_signature: "a signature has 64",
    _list_outside: "lists no file",
    _no_manifest: "this is no engine bundle",
    _endless_manifest: "larger than 1 MiB",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_each_difference_is_said_in_a_sentence(bundle: Path, change: Callable[[Path], None]) -> None:
    change(bundle)
    assert CHANGES[change] in refused(bundle)


def test_nothing_is_parsed_before_the_signature_is_right(bundle: Path) -> None:
    (bundle / MANIFEST).write_text("{ no json")
    assert "not signed" in refused(bundle)
    resign(bundle)
    assert "no JSON" in refused(bundle)


def repacked(bundle: Path, change: Callable[[zipfile.ZipFile], None], *, without: str = "") -> Path:
    path = bundle.with_name("repacked.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted(bundle.rglob("*")):
            name = file.relative_to(bundle).as_posix()
            if file.is_file() and name != without:
                package.write(file, name)
        change(package)
    return path


def test_a_zip_that_names_its_folders_too_as_most_programs_write_it(bundle: Path) -> None:
    def folders(package: zipfile.ZipFile) -> None:
        for name in ("models", "golden"):
            package.write(bundle / name, name)
        package.writestr("empty/", b"")

    assert verified(repacked(bundle, folders)) == verified(bundle)
    (bundle / SIGNATURE).unlink()
    assert "was never signed" in refused(repacked(bundle, folders))


def test_a_zip_with_a_name_twice_a_link_a_folder_or_a_name_outside(bundle: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = repacked(bundle, lambda package: package.writestr("models/axial.onnx", b"other"))
    assert "is there twice" in refused(path)

    def link(package: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo("models/axial.onnx")
        entry.external_attr = 0o120777 << 16
        package.writestr(entry, "/etc/shadow")

    assert "is a link" in refused(repacked(bundle, link, without="models/axial.onnx"))
    assert "a folder" in refused(repacked(bundle, lambda package: package.writestr("more/", b"content")))
    assert "../x is not in the manifest" in refused(repacked(bundle, lambda package: package.writestr("../x", b"")))
    (bundle / SIGNATURE).unlink()
    assert "never signed" in refused(repacked(bundle, lambda package: None))


def test_a_zip_that_unpacks_to_more_than_is_listed_is_not_unpacked_to_its_end(bundle: Path) -> None:
    path = repacked(
        bundle, lambda package: package.writestr("golden/box.npz", bytes(50 << 20)), without="golden/box.npz"
    )
    assert "has more bytes" in refused(path)


def test_what_is_no_zip_or_not_whole(bundle: Path, tmp_path: Path) -> None:
    package = zipped(bundle)
    whole = package.read_bytes()
    for content in (b"", b"PK", whole[:-1], whole[: len(whole) // 2], whole + b"\n", b"\0" * 100):
        package.write_bytes(content)
        assert "no zip, or not whole" in refused(package)
    claims = whole[:-22] + whole[-22:-12] + struct.pack("<HI", 60000, 46) + whole[-6:]
    package.write_bytes(claims)
    assert "holds too much" in refused(package)
    link = tmp_path / "link.zip"
    link.symlink_to(package)
    assert "is a link" in refused(link)
    assert "No such file" in refused(tmp_path / "nowhere.zip")
    assert "a folder nor a regular file" in refused(Path("/dev/null"))


def test_keys_rotate(bundle: Path, tmp_path: Path) -> None:
    newer, keys = write_signed(tmp_path / "newer", 3, OTHER_KEY), tmp_path / "keys"
    write_trusted(keys, {"2026.pub": KEY})
    assert "2026.pub" in refused(newer, load_trust(keys))
    write_trusted(keys, {"2027.pub": OTHER_KEY})
    for path in (bundle, newer):
        verified(path, load_trust(keys))
    (keys / "2026.pub").unlink()
    verified(newer, load_trust(keys))
    assert "2027.pub" in refused(bundle, load_trust(keys))
    shutil.rmtree(keys)
    assert "trusts no key" in refused(bundle, load_trust(keys))


def test_a_file_among_the_keys_that_is_none_costs_no_other_key(bundle: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    write_trusted(keys, {"good.pub": KEY, "unreadable.pub": OTHER_KEY})
    (keys / "readme.txt").write_text("not looked at")
    (keys / "half.pub").write_bytes((keys / "good.pub").read_bytes()[:40])
    (keys / "folder.pub").mkdir()
    rsa = rsa_key(65537, 1024).public_key()
    (keys / "rsa.pub").write_bytes(rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (keys / "unreadable.pub").chmod(0)
    with bound_by_modes():
        trust = load_trust(keys)
    verified(bundle, trust)
    assert list(trust.keys) == ["good.pub"]
    assert list(trust.ignored) == ["folder.pub", "half.pub", "rsa.pub", "unreadable.pub"]
    assert "rsa.pub is no public Ed25519 key" in trust.ignored["rsa.pub"]
    assert "can't be read: Permission denied" in trust.ignored["unreadable.pub"]
    newer = write_signed(tmp_path / "newer", 3, OTHER_KEY)
    assert "Ignored: folder.pub, half.pub, rsa.pub, unreadable.pub." in refused(newer, trust)


def test_keys_whose_folder_cant_be_read(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0)
    with bound_by_modes(), pytest.raises(ConfigurationError, match="can't be read: Permission denied"):
        load_trust(tmp_path / "keys")
