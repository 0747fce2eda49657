"""Descriptors of a program's own, watched by the reactor: `addReader` and its kin."""

from __future__ import annotations

import logging
from abc import abstractmethod
from contextvars import copy_context
from typing import Any

from zope.interface import implementer

from .drivers.base import Driver
from .error import ConnectionLost
from .failure import Failure
from .interfaces import IReactorFDSet

log = logging.getLogger("wirelab.reactor")


@implementer(IReactorFDSet)
class Descriptors:
    """The part of a reactor that watches objects with `fileno` and `doRead` or `doWrite`.

    Transports of the reactor itself do not go this way: they deal with the driver.
    """

    driver: Driver

    def __init__(self) -> None:
        super().__init__()
        # The number is kept beside the object: by the time it is taken out, `fileno` may answer -1.
        self._watched_readers: dict[Any, int] = {}
        self._watched_writers: dict[Any, int] = {}

    @abstractmethod
    def callback_failed(self, error: BaseException, what: object) -> None:
        """Tell that `what` raised `error`."""

    def addReader(self, reader: Any) -> None:
        """Call ``reader.doRead()`` whenever it can be read from."""
        fd = _checked_descriptor("addReader", reader, "doRead")
        context = copy_context()
        self.driver.add_reader(fd, lambda: self._do(reader, reader.doRead), context)
        self._watched_readers[reader] = fd

    def addWriter(self, writer: Any) -> None:
        """Call ``writer.doWrite()`` whenever it can be written to."""
        fd = _checked_descriptor("addWriter", writer, "doWrite")
        context = copy_context()
        self.driver.add_writer(fd, lambda: self._do(writer, writer.doWrite), context)
        self._watched_writers[writer] = fd

    def removeReader(self, reader: Any) -> None:
        """Watch it for reading no more; nothing happens when it was not watched."""
        fd = self._watched_readers.pop(reader, None)
        if fd is not None:
            self.driver.remove_reader(fd)

    def removeWriter(self, writer: Any) -> None:
        """Watch it for writing no more; nothing happens when it was not watched."""
        fd = self._watched_writers.pop(writer, None)
        if fd is not None:
            self.driver.remove_writer(fd)

    def removeAll(self) -> list[Any]:
        """Watch nothing any more that was added here; a list of what was."""
        removed = list(dict.fromkeys([*self._watched_readers, *self._watched_writers]))
        for descriptor in removed:
            self.removeReader(descriptor)
            self.removeWriter(descriptor)
        return removed

    def getReaders(self) -> list[Any]:
        """What is watched for reading."""
        return list(self._watched_readers)

    def getWriters(self) -> list[Any]:
        """What is watched for writing."""
        return list(self._watched_writers)

    def disconnect_descriptors(self) -> None:
        """Take out everything, and tell each by its ``connectionLost``."""
        for descriptor in self.removeAll():
            self._end(descriptor, ConnectionLost("the reactor was stopped"))

    def _do(self, descriptor: Any, action: Any) -> None:
        # `doRead` and `doWrite` may give back why the descriptor is finished: an exception or its class.
        try:
            why = action()
        except BaseException as error:
            self.callback_failed(error, action)
            why = error
        if why is not None:
            self.removeReader(descriptor)
            self.removeWriter(descriptor)
            self._end(descriptor, why() if isinstance(why, type) else why)

    def _end(self, descriptor: Any, why: BaseException) -> None:
        try:
            descriptor.connectionLost(Failure(why))
        except BaseException as error:
            self.callback_failed(error, descriptor.connectionLost)


def _checked_descriptor(verb: str, descriptor: Any, action: str) -> int:
    if not callable(getattr(descriptor, "fileno", None)) or not callable(getattr(descriptor, action, None)):
        raise TypeError(f"{verb}() takes an object with fileno() and {action}(), not {descriptor!r}")
    fd: int = descriptor.fileno()
    if fd < 0:
        raise ValueError(f"{verb}() takes something open: the descriptor of {descriptor!r} is {fd}")
    return fd
