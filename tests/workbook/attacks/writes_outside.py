"""Promises "files" and "modes": an answer changes nothing outside its own folder.

TARGETS["files"]: the marks, another submission. TARGETS["folders"]: where the grader and zth live.
"""

import os
import subprocess

TARGETS  # given by the test; anywhere else this line ends it


def attempt(what, action, *arguments):
    print("TRIED", what)
    try:
        action(*arguments)
    except OSError:
        pass
    else:
        print("GOT", what, *arguments)


for name in TARGETS["files"]:
    attempt("to write", lambda path: open(path, "w").write("full marks"), name)
    attempt("to append", lambda path: open(path, "a").write("full marks"), name)
    attempt("to truncate", os.truncate, name, 0)
    attempt("to rename", os.rename, name, name + ".old")
    attempt("to take", os.rename, name, "mine")
    attempt("to remove", os.remove, name)
    attempt("to shut", os.chmod, name, 0)
    attempt("to date", os.utime, name, (1, 1))
    attempt("to own", os.chown, name, os.getuid(), -1)
    attempt("to mark", lambda path: os.setxattr(path, "user.zth", b"1"), name)
    subprocess.run(["sh", "-c", 'echo full > "$0"; rm -f "$0"', name], stderr=subprocess.DEVNULL)
for folder in TARGETS["folders"]:
    attempt("to make a file", lambda path: open(path, "x").close(), os.path.join(folder, "planted.py"))
    attempt("to make a folder", os.mkdir, os.path.join(folder, "planted"))
    attempt("to make a link", os.symlink, "/etc/passwd", os.path.join(folder, "planted-link"))
    attempt("to make a pipe", os.mkfifo, os.path.join(folder, "planted-pipe"))
