"""What the drivers owe beyond what the reactor shows: descriptors that vanish, and waking."""

import asyncio
import os
import selectors
import socket
import threading

import pytest

from wirelab.reactor.drivers.asyncio import AsyncioDriver
from wirelab.reactor.drivers.choice import best_driver
from wirelab.reactor.drivers.selector import SelectorDriver
from wirelab.reactor.drivers.waking import Waker

epoll = pytest.importorskip("select").__dict__.get("epoll")


def natives():
    kinds = [selectors.SelectSelector, getattr(selectors, "PollSelector", None)]
    made = {kind.__name__: lambda kind=kind: SelectorDriver(kind()) for kind in kinds if kind}
    made["best"] = best_driver
    return made


@pytest.fixture(params=sorted(natives()))
def driver(request):
    driver = natives()[request.param]()
    driver.attach(lambda: None)
    yield driver
    driver.close()


def test_a_descriptor_closed_behind_its_back_does_not_stop_the_others(driver):
    lost, kept = socket.socketpair(), socket.socketpair()
    called = []
    driver.add_reader(lost[0].fileno(), lambda: called.append("lost"))
    driver.add_reader(kept[0].fileno(), lambda: called.append("kept"))
    number = lost[0].fileno()
    lost[0].close()
    kept[1].send(b"x")
    for _ in range(3):
        driver.poll(0)
    assert "kept" in called
    driver.remove_reader(number)
    for sock in (*lost, *kept):
        sock.close()


def test_a_number_that_is_used_again_is_watched_again(driver):
    first = socket.socketpair()
    called = []
    number = first[0].fileno()
    driver.add_reader(number, lambda: called.append("first"))
    first[0].close()
    again = socket.socket(fileno=socket.dup(first[1].fileno()))
    assert again.fileno() == number
    driver.add_reader(number, lambda: called.append("second"))
    first[1].close()
    driver.poll(0)
    driver.poll(0)
    assert "first" not in called
    driver.remove_reader(number)
    again.close()


def test_a_call_that_fails_is_told_and_takes_nobody_with_it(driver, caplog):
    broken, well = socket.socketpair(), socket.socketpair()
    called = []

    def fail():
        raise LookupError("on purpose")

    def answer():
        called.append(True)
        driver.quit()

    driver.add_reader(broken[0].fileno(), fail)
    broken[1].send(b"x")
    driver.attach(lambda: well[1].send(b"x") and None)
    driver.add_reader(well[0].fileno(), answer)
    driver.run()
    assert called
    assert "is watched no more" in caplog.text
    driver.remove_reader(well[0].fileno())
    for sock in (*broken, *well):
        sock.close()


def test_wake_from_another_thread_ends_the_wait(driver):
    threading.Timer(0.01, driver.wake).start()
    driver.poll(20)


def test_a_call_that_removes_another_ready_one_wins(driver):
    one, two = socket.socketpair(), socket.socketpair()
    called = []

    def first(name, other):
        called.append(name)
        driver.remove_reader(other.fileno())

    driver.add_reader(one[0].fileno(), lambda: first("one", two[0]))
    driver.add_reader(two[0].fileno(), lambda: first("two", one[0]))
    one[1].send(b"x")
    two[1].send(b"x")
    driver.poll(0)
    assert len(called) == 1
    for sock in (*one, *two):
        driver.remove_reader(sock.fileno())
        sock.close()


def test_a_closed_waker_wakes_nobody_and_says_nothing():
    waker = Waker()
    waker.close()
    waker.wake()


def test_a_waker_full_of_wakes_is_awake():
    waker = Waker()
    for _ in range(200_000):
        waker._pending = False
        waker.wake()
    waker.drain()
    waker.wake()
    assert os.read(waker.fileno(), 1) == b"\0"
    waker.close()


def test_a_driver_of_its_own_loop_closes_it():
    driver = AsyncioDriver()
    driver.close()
    assert driver.loop.is_closed()
    driver.wake()


def test_a_driver_of_the_hosts_loop_leaves_it_open():
    async def main():
        driver = AsyncioDriver()
        driver.close()
        return driver.loop

    with asyncio.Runner() as runner:
        loop = runner.run(main())
        assert not loop.is_closed()


def test_a_plain_file_is_refused_and_forgotten(tmp_path):
    driver = best_driver()
    with open(tmp_path / "file", "w+b") as file:
        if epoll is not None:
            with pytest.raises(PermissionError):
                driver.add_reader(file.fileno(), print)
            with pytest.raises(PermissionError):
                driver.add_reader(file.fileno(), print)
    driver.close()
