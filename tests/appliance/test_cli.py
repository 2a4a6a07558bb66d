from __future__ import annotations

import pytest

from appliance.cli import main
from runtime import errors
from runtime.errors import StrokeboxError, exit_codes


@pytest.mark.parametrize("words", [["--help"], ["analyse", "--help"]])
def test_help_says_what_every_exit_code_means(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(words)
    listed = capsys.readouterr().out.partition("exit codes:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [[str(code), said] for code, said in exit_codes().items()]


def test_every_error_has_its_exit_code_in_the_list() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, StrokeboxError)]
    assert {one.exit_code for one in classes} == set(exit_codes()) - {0, errors.INTERRUPTED}
