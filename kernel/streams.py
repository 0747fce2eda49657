"""Standard output and standard error of a kernel, as messages."""

from __future__ import annotations

from ipykernel.iostream import OutStream


class LastingStream(OutStream):
    """A stream that a cell cannot close: the kernel and all other cells write to it, too."""

    flush_interval = 0.05
    """Seconds that late output waits for company; ipykernel's 0.2 are seen as a delay when a timer prints."""

    def close(self) -> None:
        """Nothing."""
