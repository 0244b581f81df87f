"""Promise "time": nothing of an answer outlives it, though it forgets whose it is and ends the process that ran it.

Bounded: one program that sleeps for TARGETS["seconds"], with no environment, in a session of its own; one signal to
its own parent.
"""

import os
import signal
import subprocess
import sys
import time

TARGETS  # given by the test; anywhere else this line ends it
keeper = os.getppid()
sleep = f"import time; time.sleep({TARGETS['seconds']})"
subprocess.Popen([sys.executable, "-I", "-c", sleep], env={}, start_new_session=True)
print("TRIED", flush=True)
try:
    os.kill(keeper, signal.SIGKILL)
    time.sleep(1)
except OSError:
    print("REFUSED")
