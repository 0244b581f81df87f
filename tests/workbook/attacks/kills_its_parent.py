"""Promise "signals": an answer reaches nobody outside. It aims at its own parent alone."""

import ctypes
import os
import resource
import signal

TARGETS  # given by the test; anywhere else this line ends it
parent = os.getppid()
for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
    print("TRIED", number.name)
    try:
        os.kill(parent, number)
    except OSError:
        pass
    else:
        print("GOT", number.name)
print("TRIED to trace")
if ctypes.CDLL(None).ptrace(16, parent, 0, 0) == 0:  # PTRACE_ATTACH
    print("GOT a trace")
try:
    resource.prlimit(parent, resource.RLIMIT_CPU, (1, 1))
    print("GOT its limits")
except (OSError, ValueError):
    pass
