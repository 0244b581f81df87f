"""A process that judges for `zth watch`: it keeps torch, the checks and the learners' jail warm, and can be given up.

The watching process itself imports none of them, so its keys answer at once; and an answer that loops for its whole
time need not be waited for.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import NoReturn

from zth.errors import ExerciseError, ZthError
from zth.processes import keep_to_one_thread
from zth.texts import say
from zth.workbook.exercise import Exercise, get
from zth.workbook.verdict import Verdict

_PATIENCE = 5.0
"""Seconds that the process has to end its jail before it is killed."""


class Judge:
    """Judges one answer at a time, in another process. Use as a context manager."""

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._channel: Connection | None = None

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_up()

    def ask(self, exercise: Exercise, path: Path) -> Connection:
        """Have the file at `path` judged; -> what becomes readable when the verdict is there, for `answer`.

        Raises ExerciseError where no process can be had.
        """
        try:
            if self._channel is None or self._process is None or not self._process.is_alive():
                self._channel = self._begin()
            self._channel.send((exercise.id, path.absolute()))
        except OSError as error:
            self.give_up()
            told = say("The process that judges cannot be reached: {why}.", why=error.strerror)
            raise ExerciseError(told, say("Press r to try it again.")) from error
        return self._channel

    def answer(self) -> Verdict | str:
        """The verdict, or why there is none. Waits for it."""
        assert self._channel is not None
        try:
            answer: Verdict | str = self._channel.recv()
            return answer
        except (EOFError, OSError):  # it was ended from outside
            self.give_up()
            return say("The process that judges has ended (was there not enough memory?). Press r to judge again.")

    def give_up(self) -> None:
        """End it, and with it the learner's code; `ask` begins anew."""
        if self._process is not None:
            self._process.terminate()
            if self._process.pid is not None and self._process.is_alive():
                os.kill(self._process.pid, signal.SIGCONT)  # Ctrl-Z has stopped it too: it could not hear that
            self._process.join(_PATIENCE)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None

    def _begin(self) -> Connection:
        self.give_up()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_judge, args=(theirs,), daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it inherits that Ctrl-C is not for it, but for us
        try:
            self._process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()
        return ours


def _judge(channel: Connection) -> None:
    """The other process: answers until nobody asks any more."""
    signal.signal(signal.SIGTERM, _leave)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the screen is not ours
        os.dup2(nowhere, stream)
    keep_to_one_thread()
    from zth.workbook.jail import Jail
    from zth.workbook.judge import judge, read_source

    jail = Jail()
    try:
        while True:
            exercise_id, path = channel.recv()
            try:
                if not jail.preload and "torch" in read_source(path):
                    jail.close()
                    jail = Jail(preload=("torch",))
                jail.start_keeper()
                answer: Verdict | str = judge(get(exercise_id), path, jail)
            except ZthError as error:
                answer = str(error)
            except Exception as error:
                answer = say("A fault of zth itself, not of yours: {what}", what=f"{type(error).__name__}: {error}")
            channel.send(answer)
    except (EOFError, OSError):
        pass
    finally:
        jail.close()


def _leave(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(0)
