"""Standard output and standard error of a kernel, as messages."""

from __future__ import annotations

from ipykernel.iostream import OutStream


class LastingStream(OutStream):
    """A stream that a cell cannot close: the kernel and all other cells write to it, too."""

    def close(self) -> None:
        """Nothing."""
