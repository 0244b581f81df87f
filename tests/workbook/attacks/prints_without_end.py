"""Promises "time" and "disk": output without end costs the judge nothing, and fills no disk.

Bounded: 100 MB of text, and 40 files of 4 MB.
"""

import sys

TARGETS  # given by the test; anywhere else this line ends it
print("TRIED to flood")
for number in range(40):
    try:
        with open(f"file{number}", "wb") as file:
            file.write(b"x" * 4_000_000)
            file.flush()
    except OSError:
        print("REFUSED", number)
        break
else:
    print("GOT", 40 * 4, "MB")
for _ in range(1000):
    sys.stdout.write("y" * 100_000)
while True:
    print("z" * 1000)
