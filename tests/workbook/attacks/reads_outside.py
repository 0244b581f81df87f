"""Promise "files": an answer reads Python and the system's programs, and its own folder.

TARGETS["files"]: another submission, the marks, a check, the grader's memory and environment. TARGETS["folders"]:
where submissions and marks lie.
"""

import os
import subprocess

TARGETS  # given by the test; anywhere else this line ends it
for name in TARGETS["files"]:
    print("TRIED", name)
    try:
        with open(name, "rb") as file:
            print("GOT", name, file.read(10))
    except OSError:
        pass
    for make in (os.symlink, os.link):
        link = f"{make.__name__}{len(os.listdir('.'))}"
        try:
            make(name, link)
            print("GOT", name, open(link, "rb").read(10), "by", make.__name__)
        except OSError:
            pass
    try:
        told = subprocess.run(["cat", name], capture_output=True)
        if told.stdout:
            print("GOT", name, told.stdout[:10], "by cat")
    except OSError:
        pass
for name in TARGETS["folders"]:
    try:
        print("GOT", os.listdir(name))
    except OSError:
        pass
try:
    print("GOT", open("/proc/self/root" + TARGETS["files"][0]).read(10), "by the root of a process")
except OSError:
    pass
