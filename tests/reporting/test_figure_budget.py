import pytest

from lightning_infomem.reporting.figure_budget import FigureBudget


def drawn(epochs, *, epoch, measuring, drawing):
    """Epochs that are drawn in a run whose epochs, measurements and drawings take the given seconds, and its length."""
    now, found = 100.0, []
    budget = FigureBudget(lambda: now)
    for number in range(epochs):
        now += epoch + measuring
        if budget.has_time(measuring):
            now += drawing
            budget.count_drawing(drawing)
            found.append(number)
    return found, now - 100.0


@pytest.mark.parametrize("epoch", [20.0, 60.0, 3600.0])
@pytest.mark.parametrize("drawing", [0.1, 1.5, 8.0])
def test_measuring_and_drawing_take_at_most_a_twentieth_of_a_run(epoch, drawing):
    found, length = drawn(200, epoch=epoch, measuring=0.4, drawing=drawing)
    last = 0.0 if found[-1] == 199 else drawing  # is drawn in any case
    assert 200 * 0.4 + len(found) * drawing + last <= 0.05 * (length + last)
    assert len(found) >= 10


@pytest.mark.parametrize("epoch", [0.1, 5.0, 19.0])
def test_in_a_run_of_short_epochs_they_take_at_most_a_third_of_a_second_each(epoch):
    found, _ = drawn(200, epoch=epoch, measuring=0.2, drawing=1.5)
    assert 200 * 0.2 + (len(found) + (found[-1] < 199)) * 1.5 <= 0.3 * 200
    assert len(found) >= 10


def test_nothing_is_drawn_before_the_end_where_measuring_alone_takes_longer():
    assert drawn(200, epoch=1.0, measuring=0.4, drawing=0.1)[0] == []
    assert drawn(200, epoch=20.0, measuring=1.2, drawing=0.1)[0] == []


def test_long_epochs_are_all_drawn_from_the_first_on():
    assert drawn(5, epoch=600.0, measuring=5.0, drawing=2.0)[0] == [0, 1, 2, 3, 4]


def test_a_run_that_has_just_begun_draws_nothing_though_no_drawing_has_been_timed_yet():
    assert drawn(1, epoch=20.0, measuring=0.0, drawing=0.1)[0] == []
