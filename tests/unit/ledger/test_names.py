"""Which names are allowed."""

from collections.abc import Callable

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.ledger import names
from twinledger.ledger.errors import Code
from twinledger.ledger.names import IdentityName

GOOD: list[tuple[Callable[[str], str], str]] = [
    (names.twin_id, "p"),
    (names.twin_id, "7"),
    (names.twin_id, "a" * 128),
    (names.twin_id, "urn:x-Pump_7.b"),
    (names.model, ""),
    (names.model, "dtmi:com:example:Pump;1"),
    (names.model, " ~" * 64),
    (names.identity, "utility/admin"),
    (names.identity, "._-/._-"),
    (names.identity, "m" * 64 + "/" + "n" * 64),
    (names.relationship, "feeds"),
    (names.relationship, "A_9" + "x" * 61),
]
BAD: list[tuple[Callable[[str], str], str, Code]] = [
    (names.twin_id, "", Code.BAD_TWIN_ID),
    (names.twin_id, "a" * 129, Code.BAD_TWIN_ID),
    (names.twin_id, "-a", Code.BAD_TWIN_ID),
    (names.twin_id, "a/b", Code.BAD_TWIN_ID),
    (names.twin_id, "a\n", Code.BAD_TWIN_ID),
    (names.twin_id, "pümp", Code.BAD_TWIN_ID),
    (names.twin_id, "\u0661", Code.BAD_TWIN_ID),  # a digit to Unicode, not to us
    (names.model, "a" * 129, Code.BAD_MODEL),
    (names.model, "tab\t", Code.BAD_MODEL),
    (names.model, "é", Code.BAD_MODEL),
    (names.identity, "", Code.BAD_IDENTITY),
    (names.identity, "admin", Code.BAD_IDENTITY),
    (names.identity, "/admin", Code.BAD_IDENTITY),
    (names.identity, "utility/", Code.BAD_IDENTITY),
    (names.identity, "a/b/c", Code.BAD_IDENTITY),
    (names.identity, "m" * 65 + "/n", Code.BAD_IDENTITY),
    (names.identity, "utility/admin\n", Code.BAD_IDENTITY),
    (names.relationship, "", Code.BAD_RELATIONSHIP),
    (names.relationship, "9x", Code.BAD_RELATIONSHIP),
    (names.relationship, "x" * 65, Code.BAD_RELATIONSHIP),
    (names.relationship, "a-b", Code.BAD_RELATIONSHIP),
    (names.relationship, "a\n", Code.BAD_RELATIONSHIP),
]


@pytest.mark.parametrize(("check", "text"), GOOD)
def test_a_good_name_passes(check: Callable[[str], str], text: str):
    assert check(text) == text


@pytest.mark.parametrize(("check", "text", "code"), BAD)
def test_a_bad_name_is_refused_with_its_code(check: Callable[[str], str], text: str, code: Code):
    with refused(code):
        check(text)


@pytest.mark.parametrize("text", ["a", "motor/temperature", "A-Z_0.9", "s" * 64, "a/b/c"])
def test_a_good_path_passes(text: str):
    assert names.path(text, 3) == text


@pytest.mark.parametrize(
    "text", ["", "/", "/a", "a/", "a//b", "s" * 65, "a b", "a\n", "a/ü", "a:b"]
)
def test_a_bad_path_is_refused(text: str):
    with refused(Code.BAD_PATH):
        names.path(text, 3)


def test_a_path_has_no_more_segments_than_allowed():
    with refused(Code.PATH_TOO_DEEP, "at most 3"):
        names.path("a/b/c/d", 3)


def test_an_identity_belongs_to_the_member_before_the_slash():
    assert names.member_of(IdentityName("utility/admin")) == "utility"


def test_a_foreign_text_is_shown_in_ascii_and_short():
    assert names.shown("é\n") == r"'\xe9\n'"
    assert len(names.shown("x" * 10_000)) < 50
