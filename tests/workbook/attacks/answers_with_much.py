"""Promise "marks": the judge keeps no more of an answer than it can hold, however small it is on its way.

Bounded: each result is 0.2 MB on its way, and some 4 MB in the judge, which is told to keep 6.
"""

TARGETS  # given by the test; anywhere else this line ends it
print("TRIED", flush=True)


def f(a, b, c):
    return [[]] * 50_000


gradient = forward_difference = symmetric_difference = f
