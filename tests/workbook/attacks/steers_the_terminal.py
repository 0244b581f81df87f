"""Promise "marks": what an answer prints, raises or returns is text, and steers no terminal."""

TARGETS  # given by the test; anywhere else this line ends it
CLEAR = "\x1b[2J\x1b[H\x1b]0;passed\x07\r\x9b2J"
print("TRIED", CLEAR)


class Shown:
    def __repr__(self):
        return CLEAR


def f(a, b, c):
    raise ValueError(CLEAR)


def gradient(a, b, c):
    return CLEAR


def forward_difference(*arguments):
    return Shown()


symmetric_difference = type(CLEAR, (), {})
