"""Whose study it is: patient, study and UIDs, all derived from a seed: the same phantom always has the same names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime

from pydicom.uid import UID


def uid(*parts: object) -> UID:
    """A UID under 2.25 (DICOM PS3.5 B.2) that depends on the parts alone."""
    digest = hashlib.sha256("/".join(map(str, ("strokebox phantom", *parts))).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


@dataclass(frozen=True, slots=True)
class Patient:
    """`name` in DICOM's form, Family^Given, with = between alphabetic and ideographic groups; `sex` M, F, O or none."""

    name: str = "Phantom^Strokebox"
    id: str = "PHANTOM-0"
    birth_date: date | None = date(1950, 1, 1)
    sex: str = "O"


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """What all series of one study share.

    character_sets: DICOM's terms (PS3.3 C.12.1.1.2), for example ("ISO_IR 192",) or ("", "ISO 2022 IR 87")
    """

    seed: int
    patient: Patient = field(default_factory=Patient)
    when: datetime = datetime(2026, 1, 1, 12, 0)
    description: str = "CT HEAD W/O CONTRAST"
    accession: str = "A0"
    referring_physician: str = ""
    institution: str = "Strokebox phantom"
    character_sets: tuple[str, ...] = ("ISO_IR 192",)

    @classmethod
    def of(cls, seed: int, patient: Patient | None = None) -> StudyIdentity:
        """The study of phantom `seed`, with ID and accession number to match."""
        return cls(seed, patient or Patient(id=f"PHANTOM-{seed}"), accession=f"A{seed}")

    @property
    def study_uid(self) -> UID:
        return uid(self.seed, "study")

    @property
    def frame_uid(self) -> UID:
        """Frame of reference: one for the study, since the phantom lies still."""
        return uid(self.seed, "frame")
