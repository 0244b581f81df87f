"""7.2 A dataset of your own: arithmetic. When you have written the functions: zth check 7.2

007+025=2300        three digits; the sum, 0032, from its last digit on
"""

IGNORED = -1  # a target that is not scored
chars = ".*+-/0123456789=r"  # the dot, id 0, begins and ends a line
stoi = {s: i for i, s in enumerate(chars)}
itos = dict(enumerate(chars))


def question(a, operator, b, digits):
    """question(7, "+", 25, 3) -> "007+025=": both numbers with `digits` digits."""
    raise NotImplementedError("`question` is not written yet: return a text that ends with =.")


def answer(a, operator, b, digits, reverse=True):
    """answer(7, "+", 25, 3) -> "2300": digits + 1 places for a sum. Then the other operators: see the task."""
    raise NotImplementedError("`answer` is not written yet: return a text, begin with the sum.")


def example(line, width, mask=True):
    """A question with its answer -> two lists of `width` ids: what the model reads, and its targets."""
    raise NotImplementedError("`example` is not written yet: return two lists, x and y.")


def read(written, operator, reverse=True):
    """read("2300", "+") -> 32, read("00r17", "/") -> [0, 17]; None for what is no answer, as "8-0"."""
    raise NotImplementedError("`read` is not written yet: return a number, a list of two numbers, or None.")


def split(problems, fraction, seed):
    """A list of (a, operator, b), some of them twice -> two lists, train and dev, that have no problem in common."""
    raise NotImplementedError("`split` is not written yet: return the two lists train, dev.")


def share_exact(written, problems, digits, reverse=True):
    """What a model wrote, one text for each (a, operator, b) -> the share that is right to the last character."""
    raise NotImplementedError("`share_exact` is not written yet: return a number from 0 to 1.")
