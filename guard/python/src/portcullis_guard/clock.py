"""What the time is."""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of the present time."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Seconds since some moment, which nobody sets back."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment, which nobody sets back."""
        return time.monotonic()
