"""Which driver serves best on this platform."""

from __future__ import annotations

import select

from .base import Driver


def best_driver() -> Driver:
    """A new driver: epoll where there is one, else the best that the standard `selectors` offer."""
    # The module of the other kind is not loaded: a driver for epoll cannot be imported where there is none.
    if hasattr(select, "epoll"):
        from .epoll import EpollDriver

        return EpollDriver()
    from .selector import SelectorDriver

    return SelectorDriver()
