"""Every outcome code: what it means, what a technician should do, what it does to the result.

The one table of the code base; docs are generated from it. It decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Effect(str, Enum):
    """What a code can do to a result."""

    REJECT = "rejects the study"
    FAIL = "the analysis failed"
    FLAG = "shown on the report"
    FORBIDS_NONE = "shown on the report; a negative call becomes inconclusive"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: a sentence, an instruction, and the effects that the code can have."""

    message: str
    action: str
    effects: tuple[Effect, ...]


_REJECT = (Effect.REJECT,)
_FAIL = (Effect.FAIL,)
_FLAG = (Effect.FLAG,)
_FORBIDS = (Effect.FORBIDS_NONE,)
_EXPORT_AGAIN = "Export the whole non-contrast head CT again from the scanner or archive and copy it in once more."
_NO_ACTION = "Nothing to do; know about it when reading the result."
_READ_NOW = "Have the images read by a physician now; do not rely on this result."


class Code(Enum):
    """An outcome code; `name` is the upper-case word that results carry."""

    NO_IMAGES = Entry("The folder or zip contains no files.", _EXPORT_AGAIN, _REJECT)
    NOT_DICOM = Entry(
        "None of the files is a DICOM image.", "Export the study as DICOM, not as PDF or pictures.", _REJECT
    )
    UNREADABLE = Entry(
        "DICOM files are damaged or lack required information.", _EXPORT_AGAIN, (Effect.REJECT, Effect.FORBIDS_NONE)
    )
    UNSAFE_FILES = Entry(
        "The folder or zip contains links or special files, which are never opened.", _EXPORT_AGAIN, _REJECT
    )
    BAD_ARCHIVE = Entry("The zip file is damaged or encrypted.", _EXPORT_AGAIN, _REJECT)
    TOO_LARGE = Entry(
        "The study is larger than this box accepts.", "Export only the non-contrast head series and try again.", _REJECT
    )
    UNSUPPORTED_SYNTAX = Entry(
        "The images are stored in a compressed or unusual form that is not supported.",
        "Export again without compression ('Explicit VR Little Endian').",
        _REJECT,
    )
    CONFLICTING_PATIENTS = Entry(
        "The folder contains images of more than one patient.", "Copy one patient's study per folder.", _REJECT
    )
    NOT_CT = Entry("The study contains no CT images.", "Send a non-contrast head CT.", _REJECT)
    NO_SUITABLE_SERIES = Entry(
        "No CT series of this study can be analysed.", "Send the original axial non-contrast head series.", _REJECT
    )
    NOT_HEAD = Entry("The images do not show a head.", "Send a non-contrast head CT.", _REJECT)
    NO_BRAIN = Entry(
        "The images show a skull without a brain (a phantom?).", "Send a patient's non-contrast head CT.", _REJECT
    )
    TOO_FEW_SLICES = Entry("The series has too few slices to cover a brain.", _EXPORT_AGAIN, _REJECT)
    TRUNCATED = Entry("Image data ends early in at least one file.", _EXPORT_AGAIN, _REJECT)
    MISSING_SLICES = Entry("Slices are missing from the series.", _EXPORT_AGAIN, (Effect.REJECT, Effect.FORBIDS_NONE))
    DUPLICATE_SLICES = Entry("Several different images lie at the same position of the series.", _EXPORT_AGAIN, _REJECT)
    REPEATED_IMAGES = Entry("Exact copies of images were left out.", _NO_ACTION, _FLAG)
    SHIFTED_SLICES = Entry(
        "Slices are shifted sideways against each other; they were aligned by their positions.",
        "Check the pictures; if they look torn, have the scan read by a physician.",
        _FORBIDS,
    )
    CONFLICTING_COPIES = Entry(
        "Images of different places carry the same identifier, so that it is unknown which of them are real.",
        _EXPORT_AGAIN,
        _REJECT,
    )
    MIXED_SERIES = Entry(
        "Some images of the chosen series do not fit the others and were left out.",
        "Export the series again and copy it in once more; until then do not rely on a negative result.",
        _FORBIDS,
    )
    CONTRAST_ENHANCED = Entry(
        "Every usable series was taken with contrast medium.",
        "Send the series taken before contrast; contrast looks like blood to the analysis.",
        _REJECT,
    )
    LOSSY_COMPRESSION = Entry(
        "The images were compressed with loss; faint signs of a stroke can be lost.",
        "Send the series without lossy compression; until then do not rely on a negative result.",
        _FORBIDS,
    )
    METAL = Entry(
        "There is metal in the head; streaks around it can hide a bleeding or look like one.",
        "Have the surroundings of the metal read by a physician.",
        _FLAG,
    )
    GANTRY_TILT = Entry("The gantry was tilted; the images were straightened for the analysis.", _NO_ACTION, _FLAG)
    VARIABLE_SPACING = Entry("Slice spacing changes within the series; the images were resampled.", _NO_ACTION, _FLAG)
    THICK_SLICES = Entry(
        "The slices are thick; small lesions can be missed.",
        "If a thin series exists (1 mm or less), send that.",
        _FLAG,
    )
    PARTIAL_COVERAGE = Entry(
        "The series does not cover the whole brain.", "Send a series from skull base to vertex.", _FORBIDS
    )
    EARLIER_RESULT = Entry(
        "A result of this study was published before, from other images; this one is newer.",
        "Read both reports; the more serious one counts.",
        _FLAG,
    )
    EARLIER_CALL = Entry("An earlier result of this study, from other images, called a stroke.", _READ_NOW, _FORBIDS)
    OTHER_STUDIES = Entry("The folder contains further studies, which were not analysed.", _NO_ACTION, _FLAG)
    NEWER_STUDY_NOT_ANALYSED = Entry(
        "The folder contains a newer CT scan, which can't be analysed; this result is of an older one.",
        "Have the newer images read by a physician now; the list of series says why they were not used.",
        _FORBIDS,
    )
    PAEDIATRIC = Entry(
        "The patient is under 18; the method was made for adults.", "Do not rely on this result for a child.", _FLAG
    )
    OLD_STUDY = Entry("The scan is more than 24 hours old.", "Check that this is the study you meant.", _FLAG)
    CLOCK_UNSET = Entry(
        "The scan is dated later than this box's clock; how old it is can't be told.",
        "Check the date of the scan, and tell IT to set the clock of the box.",
        _FLAG,
    )
    UNSIGNED_ENGINES = Entry("The engines carry no trusted signature.", "For tests only; tell IT.", _FLAG)
    CPU_FALLBACK = Entry(
        "The GPU could not be used; the analysis ran on the processor, which takes longer.",
        "The result is as good; tell IT.",
        _FLAG,
    )
    NEAR_CUTOFF = Entry(
        "A measured value lies close to its cut-off.", "Have the images read soon, whatever the call.", _FLAG
    )
    PLANES_DISAGREE = Entry(
        "The three viewing directions disagree about a suspected area.",
        "Have the marked area read by a physician.",
        _FORBIDS,
    )
    BOTH_CLASSES = Entry(
        "Signs of both haemorrhage and ischaemia were found; haemorrhage is reported.", _READ_NOW, _FLAG
    )
    MASK_WITHOUT_CALL = Entry(
        "A suspicious area was marked, but it is not strong enough for a call.", _READ_NOW, _FORBIDS
    )
    CALL_WITHOUT_MASK = Entry(
        "The call rests on weak signs in several directions; no area could be outlined.", _READ_NOW, _FLAG
    )
    AREAS_LEFT_OUT = Entry(
        "Areas too small or too faint to be marked as a lesion were left out of pictures and volumes.",
        _NO_ACTION,
        _FLAG,
    )
    MUCH_LEFT_OUT = Entry(
        "Many areas stood out that are each too small or too faint to be marked as a lesion.", _READ_NOW, _FORBIDS
    )
    PARTIAL = Entry(
        "The copy was still going on when the waiting time ended; what had arrived was analysed.",
        "Check the copy, and copy the whole study in once more.",
        _FORBIDS,
    )
    READER_FAILED = Entry(
        "Reading the images came to an unexpected end.",
        "Have the images read by a physician, export the study again, and tell IT.",
        _FAIL,
    )
    ANALYSIS_ABORTED = Entry(
        "The analysis was begun several times and never came to its end.",
        "Have the images read by a physician, and tell IT.",
        _FAIL,
    )
    ENGINE_FAILED = Entry("The analysis engine failed.", "Have the images read by a physician, and tell IT.", _FAIL)

    @property
    def message(self) -> str:
        return self.value.message

    @property
    def asks_for_action(self) -> bool:
        """False where it is there to be known, and nobody need do anything."""
        return self.value.action != _NO_ACTION

    @property
    def action(self) -> str:
        return self.value.action

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.value.effects

    def sentence(self, detail: str = "") -> str:
        """The message, with what was seen in this study behind it."""
        return f"{self.message} {detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Flag:
    """A code that goes with a result, and what was seen."""

    code: Code
    detail: str = ""

    def __post_init__(self) -> None:
        if set(self.code.effects) <= {Effect.REJECT, Effect.FAIL}:
            raise ValueError(f"{self.code.name} can't be a flag: it {self.code.effects[0].value}")

    @property
    def message(self) -> str:
        return self.code.sentence(self.detail)

    @property
    def forbids_none(self) -> bool:
        """Whether a negative call can't stand beside this flag."""
        return Effect.FORBIDS_NONE in self.code.effects
