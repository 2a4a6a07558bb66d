"""Which study and which series of a drop to analyse, and a reason for every series that is not.

Decides from headers alone, by the rules of docs/adr/0006: axial originals of a head, no contrast, soft kernel, whole,
thin. Never looks at pixels: whether it is a head with a brain is asked of the volume later (runtime/head.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runtime import naming
from runtime.codes import Code, Flag
from runtime.count import counted
from runtime.dicom import CT_IMAGE_STORAGE
from runtime.errors import StudyRejected
from runtime.images import ENHANCED_CT_IMAGE_STORAGE
from runtime.stacking import MINIMUM_SLICES
from runtime.study import Series, Study
from runtime.syntaxes import SUPPORTED, name_of

CT_STORAGES = (CT_IMAGE_STORAGE, ENHANCED_CT_IMAGE_STORAGE)
SECONDARY_CAPTURE_ROOT = "1.2.840.10008.5.1.4.1.1.7"
SMALLEST_AXIAL_COSINE = 0.75
"""Of the slice normal against the patient's long axis: 41 degrees, beyond any gantry tilt."""
WHOLE_HEAD_MM = 100.0
"""A series shorter than this along the normal does not cover a brain."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one series: `accepted` is True only for the one that is analysed; `reason` is a sentence."""

    series: Series
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The study and series to analyse, and why not the others."""

    study: Study
    used: Series
    verdicts: tuple[Verdict, ...]
    other_studies: tuple[Study, ...]
    passed_over: tuple[Study, ...] = ()
    """Those of them that are newer and hold a CT scan, none of which can be analysed."""

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What the result must say about the choice."""
        flags = []
        if self.other_studies:
            flags.append(Flag(Code.OTHER_STUDIES, f"Their number: {len(self.other_studies)}."))
        if self.passed_over:
            when = self.passed_over[0].date
            flags.append(Flag(Code.NEWER_STUDY_NOT_ANALYSED, f"It was made on {when.isoformat()}." if when else ""))
        strays = [one for one in self.study.series if one.uid == self.used.uid and _might_belong(one, self.used)]
        if strays:
            images = sum(len(one.images) for one in strays)
            flags.append(Flag(Code.MIXED_SERIES, f"Left out: {counted(images, 'image')} of another kind."))
        if any(image.lossy for image in self.used.images):
            flags.append(Flag(Code.LOSSY_COMPRESSION))
        return tuple(flags)


class NoSeries(StudyRejected):
    """No series can be analysed; carries the verdicts, so that the result can explain itself."""

    def __init__(self, code: Code, verdicts: tuple[Verdict, ...], detail: str = "") -> None:
        super().__init__(code, detail)
        self.verdicts = verdicts


@dataclass(frozen=True, slots=True)
class _Exclusion:
    """Why a series is out, and the code that the study gets when nothing is left for a better reason."""

    reason: str
    code: Code = Code.NO_SUITABLE_SERIES


def choose_series(studies: Sequence[Study]) -> Selection:
    """Choose from `studies` (newest first) the newest that has a suitable series, and in it the best series.

    NoSeries (a StudyRejected): the most telling code of what was found, with all verdicts.
    """
    exclusions = {id(series): _exclusion(series) for study in studies for series in study.series}
    passed_over: tuple[Study, ...] = ()
    for study in studies:
        candidates = [series for series in study.series if exclusions[id(series)] is None]
        if not candidates:
            reasons = [exclusions[id(series)] for series in study.series]
            if any(reason and reason.code is not Code.NOT_CT for reason in reasons):
                passed_over += (study,)
            continue
        used = min(candidates, key=_preference)
        verdicts = tuple(_verdict(series, exclusions[id(series)], used) for other in studies for series in other.series)
        others = tuple(other for other in studies if other is not study)
        return Selection(study, used, verdicts, others, passed_over)
    verdicts = tuple(
        Verdict(series, False, exclusion.reason)
        for study in studies
        for series in study.series
        if (exclusion := exclusions[id(series)])
    )
    raise NoSeries(_telling_code([exclusion for exclusion in exclusions.values() if exclusion]), verdicts)


def _might_belong(stray: Series, used: Series) -> bool:
    """Whether images that could not be stacked with the chosen ones may be slices all the same: CT, and no overview."""
    image = stray.images[0]
    return stray is not used and image.sop_class_uid in CT_STORAGES and "LOCALIZER" not in image.image_type


def _verdict(series: Series, exclusion: _Exclusion | None, used: Series) -> Verdict:
    if series is used:
        return Verdict(series, True, "The best axial head series without contrast.")
    if exclusion:
        return Verdict(series, False, exclusion.reason)
    if series.study_uid != used.study_uid:
        return Verdict(series, False, "Belongs to another study.")
    return Verdict(series, False, "Suitable, but another series is thinner, more complete or softer.")


def _exclusion(series: Series) -> _Exclusion | None:
    """The first rule that a series breaks, or None."""
    image = series.images[0]
    kinds = {part.upper() for part in image.image_type}
    if series.modality.upper() not in ("CT", ""):
        return _Exclusion(f"Not CT but {series.modality}.", Code.NOT_CT)
    if image.sop_class_uid not in CT_STORAGES:
        if "SECONDARY" in kinds or image.sop_class_uid.startswith(SECONDARY_CAPTURE_ROOT):
            return _Exclusion("Secondary capture: a picture of a screen, not a scan.", Code.NOT_CT)
        return _Exclusion("Not CT images (another kind of DICOM object).", Code.NOT_CT)
    if "LOCALIZER" in kinds or naming.is_localizer(series):
        return _Exclusion("Localizer (overview picture).")
    if "SECONDARY" in kinds:
        return _Exclusion("Secondary images: computed from a scan, not scanned.")
    if image.sop_class_uid == CT_IMAGE_STORAGE and image.frames > 1:
        return _Exclusion("Several images in a file of a kind that holds one.", Code.UNREADABLE)
    foreign = [one.transfer_syntax_uid for one in series.images if one.transfer_syntax_uid not in SUPPORTED]
    if foreign:
        return _Exclusion(f"Stored as {name_of(foreign[0])}, which is not read.", Code.UNSUPPORTED_SYNTAX)
    if image.orientation is None or image.pixel_spacing is None or image.position is None:
        return _Exclusion("Images without position, orientation or pixel size.", Code.UNREADABLE)
    if abs(np.cross(image.orientation[:3], image.orientation[3:])[2]) < SMALLEST_AXIAL_COSINE:
        return _Exclusion("Coronal or sagittal images; only axial originals are used.")
    if naming.is_perfusion(series) or _repeats_positions(series):
        return _Exclusion("Perfusion or bolus tracking: the same place is scanned again and again.")
    return _content_exclusion(series)


def _content_exclusion(series: Series) -> _Exclusion | None:
    """What an axial CT series shows, as its texts tell."""
    if naming.has_contrast_agent(series):
        return _Exclusion("Taken with contrast medium, by its header.", Code.CONTRAST_ENHANCED)
    if naming.is_named_enhanced(series):
        return _Exclusion("Taken with contrast medium, by its name.", Code.CONTRAST_ENHANCED)
    if naming.is_computed(series):
        return _Exclusion("A projection or a computed map, by its name.")
    if naming.is_other_part(series):
        return _Exclusion("Another part of the body, by its name.", Code.NOT_HEAD)
    if naming.is_bone(series):
        return _Exclusion("Bone kernel: too noisy for brain tissue.")
    if any(image.rescale is None for image in series.images):
        return _Exclusion("No rescale slope and intercept: Hounsfield units are unknown.", Code.UNREADABLE)
    if len(series.images) < MINIMUM_SLICES:
        return _Exclusion(f"Only {counted(len(series.images), 'slice')}.", Code.TOO_FEW_SLICES)
    return None


def _repeats_positions(series: Series) -> bool:
    """Whether places are scanned more than once on average, as perfusion does; stray duplicates are another matter."""
    instances = {(image.sop_instance_uid, image.frame) for image in series.images}
    return len(instances) >= 2 * len({image.position for image in series.images}) > 0


def _preference(series: Series) -> tuple[bool, bool, float, float]:
    """Smaller is better: whole before part, soft kernel before medium, then the thinnest, then the longest."""
    orientation = series.images[0].orientation or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    normal = np.cross(orientation[:3], orientation[3:])
    places = np.unique(np.round([np.dot(normal, image.position or (0.0, 0.0, 0.0)) for image in series.images], 2))
    spacing = float(np.median(np.diff(places))) if len(places) > 1 else np.inf
    extent_mm = float(np.ptp(places))
    return extent_mm < WHOLE_HEAD_MM, naming.is_sharp(series), spacing, -extent_mm


def _telling_code(exclusions: Sequence[_Exclusion]) -> Code:
    """Where nothing fits, say what comes nearest to being usable: contrast before body part before modality."""
    found = {exclusion.code for exclusion in exclusions}
    order = (Code.CONTRAST_ENHANCED, Code.TOO_FEW_SLICES, Code.NOT_HEAD, Code.UNSUPPORTED_SYNTAX, Code.UNREADABLE)
    for code in order:
        if code in found:
            return code
    return Code.NOT_CT if found == {Code.NOT_CT} else Code.NO_SUITABLE_SERIES
