"""Model cards say what a model's folder reveals."""

from vqecg.scripts.cli.cards import LIMITS, conditions_text, known_line


def test_a_card_says_whether_the_conditions_describe_single_patients():
    assert "at least 5 training records" in conditions_text(5) and "individuals" not in conditions_text(5)
    assert "a table of individuals" in conditions_text(1)
    assert "no differential privacy" in LIMITS


def test_a_card_says_of_how_many_recordings_the_labels_are_known():
    assert known_line(3383, 667) == "- learned from 3,383 training recordings; all labels are known of 667 of them\n"
    assert known_line(667, 667) == ""
