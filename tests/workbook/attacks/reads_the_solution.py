"""Promise "solutions": zth's own objects are no answer, by whatever road.

TARGETS: "solution" and "check", two files; "module", the solution's name; "path", the folder that zth lies in.
"""

import gc
import glob
import importlib.util
import os
import runpy
import subprocess
import sys

TARGETS  # given by the test; anywhere else this line ends it
WANTED = ("f", "gradient", "forward_difference", "symmetric_difference")
found = {}


def attempt(what, action):
    print("TRIED", what)
    try:
        names = action()
    except Exception:
        return
    kept = {name: names[name] for name in WANTED if callable(names.get(name))}
    if kept:
        print("GOT", what, sorted(kept))
        found.update(kept)


def by_spec():
    spec = importlib.util.spec_from_file_location("solution", TARGETS["solution"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


def by_path():
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "Closed"]
    sys.path_importer_cache.clear()
    sys.path.insert(0, TARGETS["path"])
    return vars(importlib.import_module(TARGETS["module"]))


def by_bytecode():
    cached = glob.glob(os.path.join(os.path.dirname(TARGETS["solution"]), "__pycache__", "solution.*.pyc"))
    namespace = {}
    for name in cached or [importlib.util.cache_from_source(TARGETS["solution"])]:
        import marshal

        exec(marshal.loads(open(name, "rb").read()[16:]), namespace)
    return namespace


def by_memory():
    held = {}
    for thing in gc.get_objects():
        name, module = getattr(thing, "__name__", ""), getattr(thing, "__module__", "")
        if callable(thing) and name in WANTED and str(module).startswith("zth"):
            held[name] = thing
    return held


def by_program():
    program = (
        f"import sys; sys.path.insert(0, {TARGETS['path']!r}); import {TARGETS['module']} as m; print(m.__file__)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    print("GOT", told.stdout) if told.stdout else None
    return {}


attempt("import", lambda: vars(importlib.import_module(TARGETS["module"])))
attempt("the check", lambda: runpy.run_path(TARGETS["check"]))
attempt("exec", lambda: exec(open(TARGETS["solution"]).read(), held := {}) or held)
attempt("a spec", by_spec)
attempt("the path", by_path)
attempt("bytecode", by_bytecode)
attempt("memory", by_memory)
attempt("a program", by_program)
globals().update(found)
