"""Tells a portal whose clock stands in another zone than its YAML says.

Read in the wrong zone, every date is wrong by the same hours, and nothing else shows it: the
newest change of each pass is always as old. A portal read in its own zone shows changes of
minutes ago.
"""

_PASSES = 5  # that brought something new, in a row
_LEAST = 3_600  # seconds: zones differ by an hour or more
_SPREAD = 1_800  # seconds between the ages that count as the same
_HOUR = 3_600


class ClockWatch:
    """Ages of the newest change of the last passes.

    Args:
        text: what `text` of another one gave: what was seen before a restart.
    """

    def __init__(self, text: str = "") -> None:
        self._ages = [int(age) for age in text.split(",") if age.isdecimal()]
        self._newest = 0

    def see(self, changed_at: int) -> None:
        """Note a change of this pass; ms UTC."""
        self._newest = max(self._newest, changed_at)

    def end_pass(self, now: int) -> None:
        """Note that all was read at `now` (ms UTC)."""
        if self._newest:
            age = max(0, now - self._newest) // 1000
            self._ages = [*self._ages, age][-_PASSES:]
            self._newest = 0

    def text(self) -> str:
        """Give the ages, in seconds, as they stand in a checkpoint."""
        return ",".join(map(str, self._ages))

    @property
    def problem(self) -> str:
        """Say that the changes are always as old; "" when they are not."""
        if len(self._ages) < _PASSES or min(self._ages) < _LEAST:
            return ""
        if max(self._ages) - min(self._ages) > _SPREAD:
            return ""
        hours = round(min(self._ages) / _HOUR)
        return (
            f"in {_PASSES} passes the newest change was always about {hours} h old: is the"
            " portal's clock in another time zone (timezone)?"
        )
