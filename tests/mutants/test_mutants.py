"""The catalogue stays up to date, and the most famous bugs are caught at every run."""

import pytest

from tests.mutants.catalogue import MUTANTS, Mutant
from tests.mutants.run import judge, occurrences

FAMOUS = {
    "vote-not-persisted",
    "term-not-persisted",
    "promises-leave-before-the-sync",
    "previous-term-unchecked",
    "figure-8-commit",
}


def test_every_mutant_fits_the_core_as_it_is() -> None:
    assert [mutant.name for mutant in MUTANTS if occurrences(mutant) != 1] == []
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 25


@pytest.mark.parametrize("name", sorted(FAMOUS))
def test_a_famous_bug_is_caught(name: str) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    assert judge(mutant, seeds=0).killer is not None


@pytest.mark.full
@pytest.mark.parametrize(
    "mutant", [m for m in MUTANTS if m.name not in FAMOUS], ids=lambda mutant: mutant.name
)
def test_every_other_bug_is_caught(mutant: Mutant) -> None:
    assert judge(mutant, seeds=0).killer is not None
