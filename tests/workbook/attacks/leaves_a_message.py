"""Promises "files" and "time": one answer sees nothing of another, though the same keeper runs both.

Run twice: the second run looks for what the first has left, in files, shared memory and processes.
"""

import ctypes
import os
import tempfile

TARGETS  # given by the test; anywhere else this line ends it
shmget = ctypes.CDLL(None).shmget
PLACES = [TARGETS["shared"], "/dev/shm/zth-message", "/var/tmp/zth-message", tempfile.gettempdir() + "/zth-message"]
for place in PLACES:
    print("TRIED", place)
    try:
        print("GOT", open(place).read())
    except OSError:
        pass
    try:
        with open(place, "w") as file:
            file.write("the answers")
    except OSError:
        pass
if shmget(0x7A7468, 4096, 0o666) != -1:
    print("GOT a segment")
shmget(0x7A7468, 4096, 0o1000 | 0o666)  # IPC_CREAT
print("PROCESSES", sorted(name for name in os.listdir("/proc") if name.isdigit()) if os.path.isdir("/proc") else [])
