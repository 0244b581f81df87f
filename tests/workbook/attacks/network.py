"""Promise "network": no connection to anywhere, by whatever kind of socket.

TARGETS: "port" of a TCP and of a UDP listener on this machine, "path" and "abstract" of a Unix one.
"""

import socket
import subprocess
import sys

TARGETS  # given by the test; anywhere else this line ends it
AT = ("127.0.0.1", TARGETS["port"])


def attempt(what, action):
    print("TRIED", what)
    try:
        action()
    except OSError:
        pass
    else:
        print("GOT", what)


def tell(family, kind, address):
    with socket.socket(family, kind) as own:
        own.settimeout(1)
        own.connect(address)
        own.sendall(b"stolen")


attempt("TCP", lambda: tell(socket.AF_INET, socket.SOCK_STREAM, AT))
attempt("UDP", lambda: tell(socket.AF_INET, socket.SOCK_DGRAM, AT))
attempt("IPv6", lambda: tell(socket.AF_INET6, socket.SOCK_STREAM, ("::1", TARGETS["port"])))
attempt("a Unix socket", lambda: tell(socket.AF_UNIX, socket.SOCK_STREAM, TARGETS["path"]))
attempt("an abstract Unix socket", lambda: tell(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + TARGETS["abstract"]))
attempt("to listen", lambda: socket.create_server(("127.0.0.1", 0)).close())
attempt("names", lambda: socket.getaddrinfo("example.invalid", 80))
program = f"import socket; socket.create_connection({AT!r}, 1).sendall(b'stolen')"
subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
