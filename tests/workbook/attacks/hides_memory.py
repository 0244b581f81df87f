"""Promise "memory": files in memory and memory that is shared count, too.

Bounded: files of 60 MB each, until 540 MB; four pairs of children that share 150 MB each, for at most ten seconds.
"""

import mmap
import os
import time

TARGETS  # given by the test; anywhere else this line ends it
try:
    held = []
    for _ in range(9):
        held.append(os.memfd_create("held"))
        for _ in range(60):
            os.write(held[-1], b"x" * 2**20)
    print("GOT", "540 MB in files")
except OSError:
    print("REFUSED files in memory")
print("TRIED", flush=True)
for _ in range(4):  # the parent lets go of each, so that its address space has room for the next
    shared = mmap.mmap(-1, 150 * 2**20)
    shared[::4096] = b"x" * (150 * 2**20 // 4096)
    for _ in range(2):
        if os.fork() == 0:
            touched = shared[::4096]
            time.sleep(10)
            os._exit(0)
    time.sleep(0.3)
    shared.close()
time.sleep(10)
print("GOT", 600, "MB")
