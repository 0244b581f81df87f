"""Promise "marks": what an answer leaves in its folder does not stop the judge.

Bounded: 1,200 folders, each in the one before.
"""

import os

TARGETS  # given by the test; anywhere else this line ends it
print("TRIED to nest")
for _ in range(1200):
    os.mkdir("d")
    os.chdir("d")
