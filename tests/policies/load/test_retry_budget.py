"""The retry budget."""

from policies.load.retry_budget import FLOOR, WINDOW, RetryBudget


def spent(budget: RetryBudget, now: float) -> int:
    """How many retries there are at once."""
    count = 0
    while budget.take(now):
        count += 1
    return count


def test_a_quiet_domain_has_the_floor_and_no_more() -> None:
    assert spent(RetryBudget(), 100.0) == FLOOR


def test_a_busy_domain_has_its_share_of_requests() -> None:
    budget = RetryBudget(share=0.2)
    for _ in range(1000):
        budget.request(100.0)
    assert spent(budget, 100.0) == 200


def test_a_share_of_nothing_still_has_the_floor() -> None:
    budget = RetryBudget(share=0.0)
    budget.request(100.0)
    assert spent(budget, 100.0) == FLOOR


def test_what_was_spent_is_given_back_a_window_later() -> None:
    budget = RetryBudget()
    assert spent(budget, 100.0) == FLOOR
    assert spent(budget, 100.0 + WINDOW / 2) == 0  # the half before still counts
    assert spent(budget, 100.0 + 2 * WINDOW) == FLOOR


def test_requests_are_forgotten_too() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.request(100.0)
    assert spent(budget, 100.0 + 2 * WINDOW) == FLOOR
