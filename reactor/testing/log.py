"""Log records kept for a test to look at."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self, overload


class EventLoggingObserver(logging.Handler, Sequence[logging.LogRecord]):
    """A sequence of the records logged while it observes.

    Use it as a context manager, ``with EventLoggingObserver("wirelab.reactor.defer") as events:``, or attach
    it to a logger by hand as any handler of the standard library's `logging`. Levels below `level` are left
    out.
    """

    def __init__(self, logger: str | logging.Logger = "", level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._records: list[logging.LogRecord] = []

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep `record`."""
        self._records.append(record)

    def __call__(self, record: logging.LogRecord) -> None:
        """Keep `record`, for code that takes an observer to call."""
        self.emit(record)

    @overload
    def __getitem__(self, index: int) -> logging.LogRecord: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[logging.LogRecord]: ...

    def __getitem__(self, index: int | slice) -> logging.LogRecord | Sequence[logging.LogRecord]:
        return self._records[index]

    def __iter__(self) -> Iterator[logging.LogRecord]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __bool__(self) -> bool:
        # A handler is never false by itself, and an empty sequence would be: logging asks in places.
        return True

    def messages(self) -> list[str]:
        """The texts of the records, formatted."""
        return [record.getMessage() for record in self._records]
