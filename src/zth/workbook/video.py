"""Where in a lecture's video an exercise belongs: what task.md says behind "Video:", and the lecture's link.

The times are the chapter marks that the course gives its videos. An exercise that none of them is about has no clip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zth.errors import ExerciseError
from zth.workbook.lecture import Lecture, lectures

_CLIP = re.compile(r"(?:lecture (?P<lecture>\d+), )?(?P<start>\d+(?::\d\d){1,2})-(?P<end>\d+(?::\d\d){1,2})")


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stretch of a lecture's video, in seconds from its beginning."""

    lecture: Lecture
    start: int
    end: int

    @property
    def link(self) -> str:
        """Where to watch it, from its first second on; "" where the lecture names no video.

        >>> Clip(lecture=lectures()[0], start=488, end=1149).link
        'https://youtu.be/VMj-3S1tku0?t=488'
        """
        return f"{self.lecture.video}?t={self.start}" if self.lecture.video else ""

    def __str__(self) -> str:
        """
        >>> print(Clip(lecture=lectures()[0], start=488, end=3725))
        8:08-1:02:05
        """
        return f"{clock(self.start)}-{clock(self.end)}"


def clips(text: str, own: Lecture) -> Iterator[Clip]:
    """The clips that `text` names, of the lecture `own` where it says no other.

    >>> [str(clip) for clip in clips("8:08-19:09, lecture 3, 1:00:49-1:05:27", lectures()[0])]
    ['8:08-19:09', '1:00:49-1:05:27']
    """
    known = {lecture.id: lecture for lecture in lectures()}
    for found in _CLIP.finditer(text):
        lecture = known.get(found["lecture"] or "", own)
        start, end = seconds(found["start"]), seconds(found["end"])
        if start >= end:
            raise ExerciseError(f"A video cannot run from {found['start']} to {found['end']}.", "Write from-to.")
        yield Clip(lecture=lecture, start=start, end=end)


def seconds(time: str) -> int:
    """
    >>> seconds("1:02:05")
    3725
    """
    total = 0
    for part in time.split(":"):
        total = 60 * total + int(part)
    return total


def clock(seconds: int) -> str:
    """As players show it.

    >>> clock(488), clock(3725)
    ('8:08', '1:02:05')
    """
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
