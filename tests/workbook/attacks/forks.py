"""Promises "processes" and "time": few processes at once, and none that outlives the answer.

Bounded: 36 children that sleep for half a minute. Some leave their session, some their parent.
"""

import os
import time

TARGETS  # given by the test; anywhere else this line ends it
started = 0
for number in range(36):
    try:
        child = os.fork()
    except OSError:
        print("REFUSED", started)
        break
    if child == 0:
        if number % 2:
            os.setsid()
        try:
            if number % 3 == 0 and os.fork():
                os._exit(0)
            time.sleep(30)
        finally:  # a child whose own fork is refused must not come back as a second answer
            os._exit(0)
    started += 1
print("TRIED", started)
