"""Model cards say what a model's folder reveals."""

from vqecg.scripts.cli.cards import LIMITS, conditions_text


def test_a_card_says_whether_the_conditions_describe_single_patients():
    assert "at least 5 training records" in conditions_text(5) and "individuals" not in conditions_text(5)
    assert "a table of individuals" in conditions_text(1)
    assert "no differential privacy" in LIMITS
