"""Time as people write it: 90s, 30m, 2h."""

import re

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """The seconds of "90s", "30m", "1.5h" or "1h 30m". Raises ValueError for any other text, and for no time at all."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)\s*([smh])", text)
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if re.sub(r"[0-9]+(?:\.[0-9]+)?\s*[smh]\s*", "", text.strip()) or not 0 < seconds <= 10**7:
        raise ValueError(f"a budget of {text!r}; expected a time such as 90s, 30m or 2h")
    return seconds
