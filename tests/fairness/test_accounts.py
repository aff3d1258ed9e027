"""However somebody asks, they have their share of the time and hardly more, and never rest for long."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gql.fairness.accounts import FEW, Accounts, Pace

PACE = Pace(least=0.02, ahead=10.0, most_rest=2.0)
SHARES = st.floats(0.02, 1.0)
PARTS = st.floats(0.0, 1.0)


@given(SHARES, st.lists(st.tuples(st.floats(0.0, 3.0), PARTS), max_size=300))
def test_nobody_has_more_than_the_share_of_the_time_and_of_ten_seconds_more(
    share: float, asked: list[tuple[float, float]]
) -> None:
    accounts, now, had = Accounts(PACE), 100.0, 0.0
    for pause, part in asked:
        now += pause
        if not accounts.rests("a", now):
            seconds = part * PACE.most_rest * share
            now += seconds
            accounts.charge("a", seconds, share, now)
            had += seconds
        assert had <= share * (now - 100.0 + PACE.ahead + PACE.most_rest) + 1e-6


@given(SHARES, st.lists(st.tuples(PARTS, PARTS), max_size=100))
def test_whoever_has_less_than_the_share_never_rests(share: float, asked: list[tuple[float, float]]) -> None:
    """Though it were all at once, in ten seconds or less."""
    accounts, now = Accounts(PACE), 100.0
    for begin, end in pairwise(sorted({0.0, *(part for each in asked for part in each)})):
        seconds = (end - begin) * PACE.ahead * share
        assert not accounts.rests("a", now)
        now += seconds
        accounts.charge("a", seconds, share, now)


@given(SHARES, st.lists(st.floats(0.0, 10_000.0), min_size=1, max_size=20))
def test_however_long_something_took_the_rest_is_short(share: float, taken: list[float]) -> None:
    accounts = Accounts(PACE)
    for seconds in taken:
        accounts.charge("a", seconds, share, 100.0)
    assert not accounts.rests("a", 100.0 + PACE.most_rest)
    assert not accounts.rests("b", 100.0), "and it is nobody else's"


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 1_000.0)), max_size=50))
def test_whoever_may_have_all_the_time_never_rests(asked: list[tuple[float, float]]) -> None:
    accounts, now = Accounts(replace(PACE, least=1.0)), 100.0
    for pause, seconds in asked:
        now += pause
        assert not accounts.rests("a", now)
        now += seconds
        accounts.charge("a", seconds, 0.001, now)


def test_only_whoever_is_even_is_forgotten() -> None:
    accounts = Accounts(PACE)
    accounts.charge("much", 50.0, 0.5, 100.0)
    for number in range(10 * FEW):
        accounts.charge(number, 0.1, 0.5, 100.0 + number / FEW)
        assert accounts.rests("much", 101.0)
    assert len(accounts._even) <= FEW + 1, "the others were even after a fifth of a second"


def test_many_who_are_not_even_are_all_kept() -> None:
    accounts = Accounts(PACE)
    for number in range(10 * FEW):
        accounts.charge(number, 50.0, 0.5, 100.0)
    assert all(accounts.rests(number, 100.0) for number in range(10 * FEW))


def test_a_share_is_never_less_than_the_least() -> None:
    accounts = Accounts(PACE)
    accounts.charge("a", 0.19, 1e-6, 100.0)
    assert not accounts.rests("a", 100.0), "a fiftieth of ten seconds is a fifth of one"
    accounts.charge("a", 0.02, 1e-6, 100.0)
    assert accounts.rests("a", 100.0)
