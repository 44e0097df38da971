"""The checker refuses what no order explains, and takes what one does."""

from __future__ import annotations

from tests.faults.linearizability import Kind, Operation, is_linearizable


def _read(began: float, ended: float, value: str) -> Operation:
    return Operation(kind=Kind.READ, began=began, ended=ended, value=value)


def _write(began: float, ended: float | None, value: str) -> Operation:
    return Operation(kind=Kind.WRITE, began=began, ended=ended, value=value)


def _swap(began: float, ended: float | None, old: str, new: str, swapped: bool) -> Operation:
    return Operation(
        kind=Kind.SWAP, began=began, ended=ended, value=new, expected=old, swapped=swapped
    )


def test_a_stale_read_is_caught() -> None:
    assert not is_linearizable([_write(0, 1, "a"), _write(2, 3, "b"), _read(4, 5, "a")])
    assert is_linearizable([_write(0, 1, "a"), _write(2, 6, "b"), _read(4, 5, "a")])


def test_a_lost_write_is_caught() -> None:
    assert not is_linearizable([_write(0, 1, "a"), _read(2, 3, "")])


def test_values_that_go_back_are_caught() -> None:
    history = [_write(0, 9, "a"), _write(0, 9, "b"), _read(1, 2, "a"), _read(3, 4, "b")]
    assert is_linearizable(history)
    assert not is_linearizable([*history, _read(5, 6, "a")])


def test_an_unknown_write_may_come_late_or_never_but_not_twice() -> None:
    unknown = _write(0, None, "a")
    assert is_linearizable([unknown, _read(1, 2, ""), _read(3, 4, "a")])
    assert is_linearizable([unknown, _read(1, 2, "")])
    seen = [unknown, _read(1, 2, "a"), _write(3, 4, "b"), _read(5, 6, "a")]
    assert not is_linearizable(seen)


def test_two_swaps_from_one_value_cannot_both_succeed() -> None:
    first = _write(0, 1, "a")
    assert is_linearizable([first, _swap(2, 5, "a", "b", True), _swap(2, 5, "a", "c", False)])
    assert not is_linearizable([first, _swap(2, 5, "a", "b", True), _swap(2, 5, "a", "c", True)])
    assert not is_linearizable([first, _swap(2, 3, "a", "b", False)])


def test_writes_of_unknown_outcome_that_nobody_saw_are_no_burden() -> None:
    """Each could stand anywhere: their orders are too many to be tried."""
    unknown = [_write(number / 10, None, f"unseen {number}") for number in range(60)]
    seen = [_write(10 + number, 10.5 + number, f"{number}") for number in range(20)]
    assert is_linearizable([*unknown, *seen, _read(40, 41, "19")])


def test_a_swap_may_have_failed_for_a_write_that_nobody_saw() -> None:
    history = [_write(0, 1, "a"), _swap(3, 4, "a", "b", False)]
    assert is_linearizable([*history, _write(2, None, "unseen")])
    assert not is_linearizable(history)
