"""`python -m export`: trained networks and a calibration to an engine bundle, and back. Parses and calls; decides
nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runtime.choice import one_of
from training.command_line import carried_out, everything

with everything():
    from calibration.document import open_document, pixel_mm_of
    from export.bundle import NEEDED, Release, verify, write_bundle, write_models
    from export.material import golden_heads
    from export.package import write_package
    from export.released import released_checkpoints
    from export.signing import load_key, sign, write_keys
    from export.untrained import write_random_bundle
    from runtime.bundle import open_bundle
    from runtime.engines.building import add_build_options, build_bundle, targets_of
    from runtime.engines.plans import Plans
    from runtime.errors import UsageError
    from runtime.planes import Plane
    from training.checkpoint import Checkpoint, load_checkpoint
    from training.generators import generators_of
    from training.heads import open_all
    from training.material import Material
    from training.model import Width
    from training.run import BEST, put


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; see --help. The exit code is the error's (runtime/errors.py)."""
    return carried_out(_parser(), words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    commands = parser.add_subparsers(required=True)

    bundle = commands.add_parser("bundle", help="write a bundle folder and verify it")
    bundle.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of training runs, all planes")
    bundle.add_argument("--calibration", type=Path, required=True, help="what `python -m calibration run` wrote")
    bundle.add_argument("--heads", type=Path, nargs="+", help="what was trained on: how many, and phantoms' seeds")
    bundle.add_argument("--validation-heads", type=Path, nargs="+", help="the same; not for runs out of fold")
    bundle.add_argument("--golden-heads", type=Path, help="phantoms for golden cases; by default validation heads")
    bundle.add_argument("--name", required=True)
    bundle.add_argument("--version", required=True)
    bundle.add_argument("--serial", type=int, required=True, help="higher is newer")
    bundle.add_argument("--provisional", action="store_true", help="say everywhere that it is for integration only")
    bundle.add_argument("--out", type=Path, required=True, help="a new folder")
    bundle.set_defaults(command=_bundle)

    models = commands.add_parser("models", help="write the networks alone, for `python -m calibration run --models`")
    models.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of training runs")
    models.add_argument("--out", type=Path, required=True, help="a new folder")
    models.set_defaults(command=_models)

    checkpoints = commands.add_parser("checkpoints", help="a released bundle's networks back as folders of runs")
    checkpoints.add_argument("--bundle", type=Path, required=True, help="a bundle folder that `bundle` wrote")
    checkpoints.add_argument("--out", type=Path, required=True, help="a new folder; gets a run for each: axial-0, ...")
    checkpoints.set_defaults(command=_checkpoints)

    check = commands.add_parser("verify", help="check a bundle folder: hashes, size, golden cases on the CPU")
    check.add_argument("bundle", type=Path)
    check.set_defaults(command=lambda arguments: print(verify(arguments.bundle).manifest_sha256))

    plan = commands.add_parser(
        "plan", help="build a bundle's networks into TensorRT plans, as `strokebox engines build`"
    )
    add_build_options(plan)
    plan.add_argument("--out", type=Path, required=True, help="where plans and report go")
    plan.add_argument("bundle", type=Path)
    plan.set_defaults(command=_plan)

    key = commands.add_parser("key", help="make a key pair: the private one stays here, the public one goes to boxes")
    key.add_argument("--out", type=Path, required=True, help="a folder that only you may read")
    key.add_argument("--name", help="of both files, without their endings (default: strokebox-engines)")
    key.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line protects the private key")
    key.set_defaults(command=_key)

    signing = commands.add_parser("sign", help="sign a bundle folder, and pack it for boxes")
    signing.add_argument("bundle", type=Path)
    signing.add_argument("--key", type=Path, required=True, metavar="FILE", help="the private key")
    signing.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line is the key's passphrase")
    signing.add_argument("--zip", type=Path, metavar="FILE", help="also write the signed bundle as this new .zip")
    signing.set_defaults(command=_sign)

    untrained = commands.add_parser("random", help="write a bundle of untrained networks, for load only")
    untrained.add_argument("--arch", **one_of(Width), default=Width.DPN92, help="dpn92 or small")
    untrained.add_argument("--models", type=int, nargs=3, metavar=("AXIAL", "CORONAL", "SAGITTAL"), default=(6, 2, 2))
    untrained.add_argument("--out", type=Path, required=True, help="a new folder")
    untrained.set_defaults(command=_random)
    return parser


def _bundle(arguments: argparse.Namespace) -> None:
    checkpoints = _best(arguments.runs)
    trained = [checkpoint.recipe for checkpoint in checkpoints if checkpoint.released is None]
    if trained and not arguments.heads:
        raise UsageError("Give --heads, what was trained on: only networks of released bundles bring it along.")
    if any(recipe.fold is None for recipe in trained) and not arguments.validation_heads:
        raise UsageError("Give --validation-heads: only runs out of fold, and networks of released bundles, have none.")
    folders = {"training": arguments.heads, "validation": arguments.validation_heads}
    heads = {purpose: open_all(of_purpose) for purpose, of_purpose in folders.items() if of_purpose}
    golden = open_all([arguments.golden_heads]) if arguments.golden_heads else heads.get("validation", ())
    calibration = _calibration(arguments.calibration)
    pixel_mm = pixel_mm_of(calibration)
    written = write_bundle(
        Release(arguments.name, arguments.version, arguments.serial, arguments.provisional),
        checkpoints,
        calibration,
        [head.served(pixel_mm) for head in golden_heads(golden)],
        {
            purpose: Material.of(of_purpose, generators_of(folders[purpose] or ()))
            for purpose, of_purpose in heads.items()
        },
        arguments.out,
        [head.served_shape(pixel_mm) for of_purpose in heads.values() for head in of_purpose],
    )
    print(f"{written.folder}  {written.manifest_sha256}")


def _calibration(path: Path) -> dict[str, Any]:
    """UsageError where it is not whole."""
    document = open_document(path)
    if lacking := [key for key in NEEDED if key not in document]:
        raise UsageError(
            f"{path} lacks {', '.join(lacking)}: give what this version's `calibration run` wrote, or `coefficients` "
            "and then `classifier`."
        )
    return document


def _models(arguments: argparse.Namespace) -> None:
    arguments.out.mkdir(parents=True)
    write_models(_best(arguments.runs), arguments.out)


def _checkpoints(arguments: argparse.Namespace) -> None:
    if arguments.out.exists():
        raise UsageError(f"{arguments.out} is there already: name a new folder.")
    for name, checkpoint in released_checkpoints(arguments.bundle).items():
        put(arguments.out / name, checkpoint)
        print(arguments.out / name)


def _plan(arguments: argparse.Namespace) -> None:
    bundle, targets = open_bundle(arguments.bundle), targets_of(arguments)
    print(build_bundle(bundle, targets, Plans(arguments.out), datetime.now().astimezone(), print).memory)


def _key(arguments: argparse.Namespace) -> None:
    for path in write_keys(arguments.out, _passphrase(arguments), arguments.name):
        print(path)


def _sign(arguments: argparse.Namespace) -> None:
    bundle = sign(arguments.bundle, load_key(arguments.key, _passphrase(arguments)))
    print(f"{bundle.manifest.name} {bundle.manifest.version}, serial {bundle.manifest.serial}, is signed")
    if arguments.zip:
        print(write_package(arguments.bundle, arguments.zip))


def _passphrase(arguments: argparse.Namespace) -> str | None:
    if arguments.passphrase_file is None:
        return None
    try:
        words: str = arguments.passphrase_file.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The passphrase in {arguments.passphrase_file} can't be read.") from error
    if not words:
        raise UsageError(f"{arguments.passphrase_file} begins with an empty line, which is no passphrase.")
    return words


def _random(arguments: argparse.Namespace) -> None:
    if min(arguments.models) < 1:
        raise UsageError("Every plane needs a network.")
    written = write_random_bundle(arguments.arch, arguments.out, dict(zip(Plane, arguments.models, strict=True)))
    print(f"{written.folder}  {written.manifest_sha256}")


def _best(runs: Sequence[Path]) -> list[Checkpoint]:
    if missing := [str(run) for run in runs if not (run / BEST).exists()]:
        raise UsageError(f"No weights in {', '.join(missing)}: give folders that `python -m training run` wrote.")
    return [load_checkpoint(run / BEST) for run in runs]


if __name__ == "__main__":
    sys.exit(main())
