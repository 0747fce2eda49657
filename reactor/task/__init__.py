"""Work spread over time: repeated, later, in small steps, or as a whole program.

`LoopingCall` repeats, `deferLater` waits once, `cooperate` cuts long work into steps that leave the loop
free, `react` runs a main function until its Deferred fires, and `Clock` is the time of tests.
"""

from .clock import Clock
from .cooperation import (
    CooperativeTask,
    Cooperator,
    NotPaused,
    SchedulerError,
    SchedulerStopped,
    TaskDone,
    TaskFailed,
    TaskFinished,
    TaskStopped,
    coiterate,
    cooperate,
)
from .later import deferLater
from .loops import LoopingCall
from .main import react

__all__ = [
    "Clock",
    "CooperativeTask",
    "Cooperator",
    "LoopingCall",
    "NotPaused",
    "SchedulerError",
    "SchedulerStopped",
    "TaskDone",
    "TaskFailed",
    "TaskFinished",
    "TaskStopped",
    "coiterate",
    "cooperate",
    "deferLater",
    "react",
]
