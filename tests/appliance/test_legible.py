from __future__ import annotations

import pytest

from appliance.legible import LONGEST, REPLACEMENT, legible, person_name

EVERYTHING = range(0x110000)
LATIN = range(0x20, 0x180)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Doe\tJane\r\n Mary", "Doe Jane Mary"),
        ("A\x00B\x1b[1m\x7f", "AB[1m"),
        ("soft\u00adhyphen, zero\u200bwidth, \u202eoverride\u202c", "softhyphen, zerowidth, override"),
        ("Mu\u0308ller", "Müller"),
        ("<b>**{nb}**</b>", "<b>**{nb}**</b>"),
    ],
)
def test_text_is_kept_and_what_steers_is_removed(text: str, shown: str) -> None:
    assert legible(text, LATIN) == shown


@pytest.mark.parametrize("text", ["שלום", "محمد", "\udcff", "\ue000"])
def test_right_to_left_letters_and_what_is_no_letter_become_boxes_one_each(text: str) -> None:
    assert legible(text, EVERYTHING) == REPLACEMENT * len(text)


def test_what_the_fonts_lack_becomes_a_box() -> None:
    assert legible("Aя", LATIN) == f"A{REPLACEMENT}"


def test_endless_text_is_cut_visibly() -> None:
    assert legible("x" * 10**6, EVERYTHING) == "x" * LONGEST + "…"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Doe^Jane^Mary", "Doe, Jane Mary"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("", ""),
        ("Иванов^Иван", "Иванов, Иван"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        ("=山田^太郎", "山田 太郎"),
    ],
)
def test_person_names_read_as_people_write_them(name: str, written: str) -> None:
    assert person_name(name) == written
