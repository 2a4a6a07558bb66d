"""The model card of a bundle, written from what was measured: nothing in it is typed in by hand but the warnings.

Says what the networks were trained on, how well they do on heads they never saw, and what nobody may conclude from
that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from export.calibration_card import calibration_lines
from export.material import materials_of
from export.names import network_names
from runtime.planes import Plane
from training.checkpoint import Checkpoint
from training.config import Recipe
from training.material import Material

SYNTHETIC_LIMITS = """\
- **Trained on synthetic heads only.** No image of a patient was used for training or calibration. The figures above are
  about other synthetic heads made by the same program; they say nothing about patients.
- No claim is made on patients, for either class. Early ischaemia on real scans in particular is expected to be missed:
  similar networks trained on synthetic lesions found next to none of it.
"""
STANDARD_LIMITS = """\
- Blood in sulci and cisterns, thin blood along the skull base, calcifications, metal, movement, and beam hardening
  beyond what the synthetic scanner does were hardly or never seen in training.
"""
COHORT_LIMITS = """\
- Blood in sulci and along the skull's base, calcifications, old infarcts, movement and beam hardening were seen in
  training as the synthetic heads draw them (docs/cohort.md); metal and what else patients have were not.
"""
DONOR_LIMITS = """\
- Some of the synthetic heads have the anatomy of a real head or a template, deformed, in place of one made of shapes:
  that of the file whose SHA-256 stands above (docs/cohort.md).
"""
PATIENTS_LIMITS = """\
- **Made with heads of {which}.** The figures above are about heads of the same sources, on some of which
  numbers were chosen. How it does elsewhere has to be measured there, on patients that nothing was chosen on.
"""
LIMITS = """\
- A healthy head whose mask is not empty is reported as inconclusive, never as 'no stroke detected'. Areas that
  are too small or too faint to count are left out of the mask, and the report says so.
- For research and demonstration. Not a medical device; not for diagnosis.
"""


def model_card(
    name: str,
    version: str,
    checkpoints: Sequence[Checkpoint],
    calibration: Mapping[str, Any],
    heads: Mapping[str, Material],
    provisional: bool,
) -> str:
    """Markdown. `calibration` is calibration.json; `heads` what was trained and validated on, by purpose."""
    lines = [f"# Model card: {name} {version}", ""]
    if provisional:
        lines += ["**Provisional: for integration only. Trained for minutes; its results mean nothing.**", ""]
    lines += [
        f"{_networks(checkpoints)} that mark ischaemic stroke (IS) and intracranial haemorrhage (IH) per voxel.",
        *_each(checkpoints, _architecture, "{}."),
        "",
        "## Training",
        "",
        *(f"- {purpose}: {of_purpose}" for purpose, of_purpose in heads.items()),
        *_each(checkpoints, _learning, "- {}"),
        *_origin(checkpoints),
        *_released(checkpoints),
        "- exact commands: `training/runs`; every number of every run: `training` in the manifest",
        "",
        "| network | seed | batch | rate | steps | best at | slices | IoU | IoU IS | IoU IH | healthy, marked |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(name, checkpoint) for name, checkpoint in zip(network_names(checkpoints), checkpoints, strict=True)),
        "",
        "Rate: the highest learning rate. IoU: mean over the validation heads with stroke, of their own class, one",
        "plane by itself at probability 0.5. Healthy, marked: healthy heads with a marked voxel. Slices, 1 of n: every",
        "nth one of a head was looked at.",
        "",
        "## Calibration",
        "",
        *calibration_lines(calibration),
        "",
    ]
    released = [one for record in materials_of(checkpoints).values() for one in record.values()]
    every = [*heads.values(), *released, Material.of_calibration(calibration)]
    continued = any(checkpoint.recipe.continues for checkpoint in checkpoints)
    return "\n".join([*lines, "## Limits", "", _source_limits(every, continued)]) + LIMITS


def _source_limits(every: Sequence[Material], continued: bool) -> str:
    started = "- Weights that training went on from had seen other heads before: `training/runs` says which.\n"
    return _limits_of(every) + (started if continued else "")


def _limits_of(every: Sequence[Material]) -> str:
    if not any(material.patients for material in every):
        made_by = [one for material in every for one in material.generators]
        of_cohort, of_donor = any(one.is_of_cohort for one in made_by), any(one.donor for one in made_by)
        return SYNTHETIC_LIMITS + (DONOR_LIMITS if of_donor else "") + (COHORT_LIMITS if of_cohort else STANDARD_LIMITS)
    mixed = any(material.seeds for material in every)
    return PATIENTS_LIMITS.format(which="patients and synthetic ones" if mixed else "patients")


def _origin(checkpoints: Sequence[Checkpoint]) -> list[str]:
    origins = [checkpoint.recipe.continues for checkpoint in checkpoints if checkpoint.recipe.continues]
    encoders = {checkpoint.recipe.pretrained for checkpoint in checkpoints if checkpoint.recipe.pretrained}
    return [
        *([f"- weights start from: {'; '.join(origins)}"] if origins else []),
        *([f"- the encoder's weights start from: {'; '.join(sorted(encoders))}"] if encoders else []),
    ]


def _networks(checkpoints: Sequence[Checkpoint]) -> str:
    planes = [checkpoint.recipe.plane for checkpoint in checkpoints]
    return f"Networks ({', '.join(f'{planes.count(plane)} {plane.value}' for plane in Plane)})"


def _each(checkpoints: Sequence[Checkpoint], said: Callable[[Recipe], str], line: str) -> Iterator[str]:
    """A line for all networks; where they differ, one for each kind, with the networks of it."""
    of_kind: dict[str, list[str]] = {}
    for name, checkpoint in zip(network_names(checkpoints), checkpoints, strict=True):
        of_kind.setdefault(said(checkpoint.recipe), []).append(name)
    for kind, names in of_kind.items():
        yield line.format(kind if len(of_kind) == 1 else f"{', '.join(names)}: {kind}")


def _architecture(recipe: Recipe) -> str:
    scse = ", squeeze and excitation (scSE) after each encoder stage" if recipe.scse else ""
    return f"DPN-Unet of width `{recipe.width.value}`, input windows {_windows(recipe.windows)} HU{scse}"


def _learning(recipe: Recipe) -> str:
    dice = f" + {recipe.dice_weight:g} soft Dice" if recipe.dice_weight else ""
    return f"{recipe.optimiser.value}, focal loss{dice}"


def _released(checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """Of each bundle that networks were taken back from, what it says itself."""
    lacks = {one.released.bundle: one.released.recipe_lacks for one in checkpoints if one.released}
    for bundle, materials in materials_of(checkpoints).items():
        yield f"- taken back from the bundle {bundle}, with the weights that it has, in half precision:"
        yield from (f"  - {purpose}: {material}" for purpose, material in materials.items())
        if lacks[bundle]:
            yield f"  - its record is older than these settings: {', '.join(lacks[bundle])}"


def _windows(windows: Sequence[tuple[float, float]]) -> str:
    return " and ".join(f"[{low:g}, {high:g}]" for low, high in windows)


def _row(name: str, checkpoint: Checkpoint) -> str:
    recipe, validation = checkpoint.recipe, checkpoint.validation
    healthy = validation["healthy_voxels"]
    by_class = " | ".join(f"{validation['iou_by_class'].get(stroke, float('nan')):.3f}" for stroke in ("IS", "IH"))
    return (
        f"| {name} | {recipe.seed} | {recipe.batch} | {recipe.learning_rate:g} | {recipe.steps} "
        f"| {checkpoint.step} | 1 of {recipe.validation_stride} "
        f"| {validation['mean_iou']:.3f} | {by_class} | {sum(voxels > 0 for voxels in healthy)} of {len(healthy)} |"
    )
