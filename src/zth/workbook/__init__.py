"""The workbook: exercises, and what starts, checks, explains, measures and proves them.

One idea carries it: an exercise's check *asks questions* of an answer, and asks the same questions of the library's
solution and of every known wrong answer. A learner's answer that agrees with the solution passes; one that agrees
with a known wrong answer is told which mistake it made. See `check` for how an exercise is written, `judge` for how
it is run.
"""
