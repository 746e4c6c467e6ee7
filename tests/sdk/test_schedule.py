"""What is urgent comes first, and nothing is starved by it: on the scheduler alone, a pure function."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vigie.ranges import Ranges
from vigie.schedule import FAIR_EVERY, STARVATION_BOUND, LaneView, Window, next_window
from vigie_protocol.enums import Lane

SIZES = {Lane.EVENT: 5, Lane.TREND: 7, Lane.MINUTE: 10, Lane.RAW: 2}


def view(first: int, past: int, *, held: int = 0, today: int = 0) -> LaneView:
    return LaneView(((first, past),) if past > first else (), held, today)


def test_the_order_of_urgency() -> None:
    known = {lane: Ranges() for lane in Lane}
    next_ = {Lane.EVENT: 8, Lane.TREND: 10, Lane.MINUTE: 40, Lane.RAW: 3}
    asked: list[Window] = []
    turn = 0
    while True:
        lanes = {
            lane: LaneView(known[lane].outside(0, next_[lane]), 0, 25 if lane is Lane.MINUTE else 0)
            for lane in Lane
        }
        # The turns of the fair share are left out: see below.
        turn += 2 if turn % FAIR_EVERY == FAIR_EVERY - 2 else 1
        window = next_window(lanes, turn, SIZES)
        if window is None:
            break
        asked.append(window)
        known[window.lane].add(window.first, window.past)
    assert asked == [
        Window(Lane.EVENT, 3, 5),
        Window(Lane.EVENT, 0, 3),
        Window(Lane.MINUTE, 30, 10),
        Window(Lane.MINUTE, 25, 5),
        Window(Lane.TREND, 3, 7),
        Window(Lane.TREND, 0, 3),
        Window(Lane.MINUTE, 0, 10),
        Window(Lane.MINUTE, 10, 10),
        Window(Lane.MINUTE, 20, 5),
        Window(Lane.RAW, 0, 2),
        Window(Lane.RAW, 2, 1),
    ]


def test_what_another_gateway_holds_comes_last() -> None:
    lanes = {Lane.MINUTE: view(0, 30, held=20, today=5), Lane.RAW: view(0, 4, held=2)}
    assert next_window(lanes, 0, SIZES) == Window(Lane.MINUTE, 20, 10)
    lanes = {Lane.MINUTE: view(0, 20, held=20, today=5), Lane.RAW: view(0, 4, held=2)}
    assert next_window(lanes, 0, SIZES) == Window(Lane.RAW, 2, 2)
    lanes = {Lane.MINUTE: view(0, 20, held=20, today=5), Lane.RAW: view(0, 2, held=2)}
    assert next_window(lanes, 0, SIZES) == Window(Lane.MINUTE, 0, 10)


ranges = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 40)), max_size=6)


@settings(deadline=None)
@given(
    known=st.dictionaries(st.sampled_from(Lane), ranges),
    next_=st.fixed_dictionaries({lane: st.integers(0, 300) for lane in Lane}),
    held=st.integers(0, 300),
    today=st.integers(0, 300),
    turn=st.integers(0, 1000),
)
def test_a_window_is_wanted_and_of_no_more_than_its_size(
    known: dict[Lane, list[tuple[int, int]]], next_: dict[Lane, int], held: int, today: int, turn: int
) -> None:
    here = {lane: Ranges((first, first + count) for first, count in known.get(lane, [])) for lane in Lane}
    lanes = {lane: LaneView(here[lane].outside(0, next_[lane]), held, today) for lane in Lane}
    window = next_window(lanes, turn, SIZES)
    if window is None:
        assert not any(each.wanted for each in lanes.values())
        return
    assert 0 < window.count <= SIZES[window.lane]
    assert window.past <= next_[window.lane]
    assert here[window.lane].outside(window.first, window.past) == [(window.first, window.past)]


@settings(deadline=None, max_examples=50)
@given(
    back=st.fixed_dictionaries({lane: st.integers(0, 60) for lane in Lane}),
    arrivals=st.lists(
        st.dictionaries(st.sampled_from(Lane), st.integers(1, 30), max_size=3), min_size=1, max_size=40
    ),
    turn=st.integers(0, 100),
    today=st.integers(0, 50),
)
def test_nothing_is_starved_whatever_comes_in(
    back: dict[Lane, int], arrivals: list[dict[Lane, int]], turn: int, today: int
) -> None:
    """Each record is asked for within the bound, though new ones of other lanes come in with every window."""
    known = {lane: Ranges() for lane in Lane}
    next_ = dict(back)
    bound = {lane: STARVATION_BOUND * -(-count // SIZES[lane]) for lane, count in back.items()}
    for step in range(max(bound.values())):
        for lane, count in arrivals[step % len(arrivals)].items():
            next_[lane] += count
        lanes = {lane: LaneView(known[lane].outside(0, next_[lane]), 0, next_[lane] - today) for lane in Lane}
        window = next_window(lanes, turn + step, SIZES)
        if window is not None:
            known[window.lane].add(window.first, window.past)
        for lane, count in back.items():
            if step + 1 == bound[lane]:
                assert not known[lane].outside(0, count), lane


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 20))),
    st.integers(0, 60),
    st.integers(0, 90),
)
def test_ranges_are_sets_of_numbers(changes: list[tuple[bool, int, int]], first: int, past: int) -> None:
    numbers: set[int] = set()
    made = Ranges()
    for adds, low, count in changes:
        if adds:
            made.add(low, low + count)
            numbers |= set(range(low, low + count))
        else:
            made.discard(low, low + count)
            numbers -= set(range(low, low + count))
    assert {number for low, high in made for number in range(low, high)} == numbers
    assert len(made) == len(numbers)
    assert list(Ranges.of(sorted(numbers))) == list(made)
    outside = [number for low, high in made.outside(first, past) for number in range(low, high)]
    assert outside == sorted(set(range(first, past)) - numbers)
    assert made.prefix() == next(number for number in range(200) if number not in numbers)
