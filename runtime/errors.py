"""The whole error tree of Strokebox, grouped by who can do something about it.

    StrokeboxError            exit 1   a defect of ours
    ├── UsageError            exit 2   the caller asked for something that does not exist
    ├── ConfigurationError    exit 3   the box is set up wrongly
    │   ├── BundleError       exit 3   the engine bundle is broken, untrusted or does not fit
    │   │   └── AlreadyActive exit 3   nothing is to be done: these engines run already
    │   └── NotInstalled      exit 3   a GPU is there, but not what it takes to use it
    ├── StudyRejected         exit 4   the images can't be analysed: a code, a sentence, what to do
    ├── EngineError           exit 5   inference failed
    │   ├── OutOfDeviceMemory exit 5   the GPU's memory is full; engines try with less before they let it out
    │   └── GoldenMismatch    exit 5   an engine computes something else than the reference
    └── PublishError          exit 6   the result could not be written

Each class carries its exit code and what that says, so that the command line needs no table of its own.
"""

from __future__ import annotations

from runtime.codes import Code

INTERRUPTED, CUT_OFF = 130, 141
"""After Ctrl-C, and where nobody reads the output any more; as shells have them: 128 and the signal's number."""


class StrokeboxError(Exception):
    """Root of everything that Strokebox raises on purpose."""

    exit_code = 1
    exit_words = "a defect of Strokebox"


class UsageError(StrokeboxError):
    """The command was called with an input or option that can't be right."""

    exit_code = 2
    exit_words = "called with something that can't be right"


class ConfigurationError(StrokeboxError):
    """The box is set up wrongly; IT can mend it."""

    exit_code = 3
    exit_words = "the box is set up wrongly"


class BundleError(ConfigurationError):
    """The engine bundle is incomplete, altered, untrusted or made for another version."""


class AlreadyActive(BundleError):
    """The engine bundle is the one that is active: there is nothing to install."""


class NotInstalled(ConfigurationError):
    """Software that a GPU is used by is not there, or is not for this GPU."""


class StudyRejected(StrokeboxError):
    """These images can't be analysed.

    `code` says why and what to do (runtime/codes.py); `detail` adds what was seen in this study, never a patient's
    data.
    """

    exit_code = 4
    exit_words = "the study can't be analysed"

    def __init__(self, code: Code, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code.name}: {code.sentence(detail)}")


class EngineError(StrokeboxError):
    """Inference failed or gave numbers that can't be probabilities."""

    exit_code = 5
    exit_words = "the analysis failed"
    code = Code.ENGINE_FAILED


class OutOfDeviceMemory(EngineError):
    """The GPU has not as much memory left; of all that can go wrong there, the one thing that leaves it usable."""


class GoldenMismatch(EngineError):
    """An engine computes something else than the reference that its bundle brings along."""


class PublishError(StrokeboxError):
    """A result could not be written completely, so none is shown."""

    exit_code = 6
    exit_words = "the result could not be written"


def exit_codes() -> dict[int, str]:
    """Every exit code of a command, and what it says."""
    classes = (StrokeboxError, UsageError, ConfigurationError, StudyRejected, EngineError, PublishError)
    return {
        0: "done",
        **{one.exit_code: one.exit_words for one in classes},
        INTERRUPTED: "interrupted",
        CUT_OFF: "output cut off",
    }
