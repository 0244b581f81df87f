"""Promise "memory": files in memory, what waits in sockets and memory that is shared count, too.

Bounded: files of 20 MB each, until 160 MB; one pair of sockets; four pairs of children that share 50 MB each, for at
most ten seconds.
"""

import mmap
import os
import socket
import time

TARGETS  # given by the test; anywhere else this line ends it
try:
    held = []
    for _ in range(8):
        held.append(os.memfd_create("held"))
        for _ in range(20):
            os.write(held[-1], b"x" * 2**20)
    print("GOT", "160 MB in files")
except OSError:
    print("REFUSED files in memory")
try:
    print("GOT", socket.socketpair())
except OSError:
    print("REFUSED sockets")
print("TRIED", flush=True)
for _ in range(4):  # the parent lets go of each, so that its address space has room for the next
    shared = mmap.mmap(-1, 50 * 2**20)
    shared[::4096] = b"x" * (50 * 2**20 // 4096)
    for _ in range(2):
        if os.fork() == 0:
            touched = shared[::4096]
            time.sleep(10)
            os._exit(0)
    time.sleep(0.3)
    shared.close()
time.sleep(10)
print("GOT", 200, "MB")
