import pytest

from lightning_infomem._errors import UsageError, UsageFileError, UsageImportError, UsageTypeError, UsageValueError


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (UsageFileError, OSError),
        (UsageImportError, ModuleNotFoundError),
        (UsageTypeError, TypeError),
        (UsageValueError, ValueError),
    ],
)
def test_callers_catch_what_they_know_and_the_command_line_knows_wrong_use(kind, builtin):
    for caught in (builtin, UsageError):
        with pytest.raises(caught, match="required"):
            raise kind("x: a number is required")
