"""The mistakes of 7.2: each with what to tell, and what it puts into the solution (see `wrong`)."""

from __future__ import annotations

from zth.data.stream import IGNORED
from zth.workbook.check import Mistake
from zth.workbook.l07_gpt.e02_arithmetic import solution, wrong

MISTAKES: list[Mistake] = [
    Mistake(
        name="not turned round unless asked for",
        says="Where `reverse` is left out, the answer is turned round: write reverse=True in the first line of the "
        "function, as in the stub.",
        instead=wrong.by_default(reverse=False),
    ),
    Mistake(  # before those who never mask: where `mask` is left out both do the same
        name="not masked unless asked for",
        says="Where `mask` is left out, the question is masked: write mask=True in the first line of the function, "
        "as in the stub.",
        instead=wrong.by_default(mask=False),
    ),
    Mistake(  # before all wrong answers: `share_exact` alone cannot tell it from theirs
        name="compared without turning round",
        says="What the model wrote is turned round, and the right answers that you compare with are not: pass on "
        "`reverse`.",
        instead=wrong.shared(wrong.not_turned),
    ),
    Mistake(
        name="question without zeros",
        says="The numbers have no zeros in front, so a digit stands now here, now there. Pad both to `digits` "
        'places: f"{a:0{digits}d}".',
        instead=wrong.questioned(wrong.none),
    ),
    Mistake(
        name="question padded with spaces",
        says='There are spaces in front of the numbers, and a space is not among the characters. f"{a:3d}" fills '
        'with spaces, f"{a:03d}" with zeros.',
        instead=wrong.questioned(wrong.spaces),
    ),
    Mistake(
        name="question reversed as well",
        says="The numbers of the question are turned round too. Only the answer is: the model reads the question "
        "whole before it begins to write, so its order is no help.",
        instead=wrong.questioned(lambda value, places: wrong.zeros(value, places)[::-1]),
    ),
    Mistake(
        name="zeros behind",
        says="The zeros stand behind the numbers, which makes others of them: 7 became 700. They belong in front.",
        instead=wrong.questioned(lambda value, places: str(value).ljust(places, "0")),
    ),
    Mistake(
        name="question without =",
        says='The question ends with "=", which tells the model that it is its turn.',
        instead=wrong.questioned(wrong.zeros, end=""),
    ),
    Mistake(
        name="not reversed",
        says="With reverse=True the answer is written from its last digit on: text[::-1].",
        instead=wrong.answers(write=lambda text, sign, _reverse: sign + text),
    ),
    Mistake(
        name="always reversed",
        says="With reverse=False the answer is written as people do; yours is turned round all the same.",
        instead=wrong.answers(write=lambda text, sign, _reverse: text[::-1] + sign),
    ),
    Mistake(
        name="reversed the wrong way about",
        says="It is turned round with reverse=False, and not with reverse=True: exchange the two.",
        instead=wrong.answers(write=lambda text, sign, reverse: wrong.turned(text, sign, not reverse)),
    ),
    Mistake(
        name="answer without zeros",
        says="The answer's places are not filled up with zeros. A sum has digits + 1 places, a difference digits, a "
        "product 2 * digits, quotient and remainder digits each.",
        instead=wrong.answers(pad=wrong.none),
    ),
    Mistake(
        name="answer padded with spaces",
        says="The answer is filled up with spaces, and a space is not among the characters. "
        'f"{n:4d}" fills with spaces, f"{n:04d}" with zeros.',
        instead=wrong.answers(pad=wrong.spaces),
    ),
    Mistake(
        name="reversed before the zeros",
        says="It was turned round first, and the zeros came in front of that: 0032 became 0023, and should be 2300. "
        "Fill up first, then turn round.",
        instead=wrong.with_answer(wrong.turned_before_zeros),
    ),
    Mistake(
        name="a sum with as many places as its numbers",
        says="A sum can have a digit more than its numbers: 50 + 50 = 100. Give it digits + 1 places, always.",
        instead=wrong.answers(places={"+": lambda n: n}),
    ),
    Mistake(
        name="the end in the answer",
        says="There is a dot at the end of your answer. `example` puts it there; here it would stand twice.",
        instead=wrong.answers(write=lambda text, sign, reverse: wrong.turned(text, sign, reverse) + "."),
    ),
    Mistake(
        name="every answer with digits + 1 places",
        says="digits + 1 places are those of a sum. A difference needs `digits`, a product 2 * digits, quotient and "
        "remainder `digits` each.",
        instead=wrong.answers(places=dict.fromkeys("-*/", lambda n: n + 1)),
    ),
    Mistake(
        name="sign in front of the reversed digits",
        says="The minus sign stands in front. Turned round, the sign comes last: it is known last.",
        instead=wrong.answers(write=lambda text, sign, reverse: sign + (text[::-1] if reverse else text)),
    ),
    Mistake(
        name="sign lost",
        says="17 - 25 is -8: where the value is negative, the answer has a minus sign.",
        instead=wrong.answers(write=lambda text, _sign, reverse: wrong.turned(text, "", reverse)),
    ),
    Mistake(
        name="the sign in a digit's place",
        says='f"{-8:02d}" is "-8": Python counts the sign as one of the places. Pad abs(value), then add the sign.',
        instead=wrong.with_answer(wrong.sign_counted),
    ),
    Mistake(
        name="division reversed as well",
        says="The whole answer of a division was turned round. It is written from its first digit on.",
        instead=wrong.answers(divide=wrong.division_turned),
    ),
    Mistake(
        name="quotient and remainder reversed",
        says="Quotient and remainder were turned round, each by itself. Division begins at the first digit, as on "
        "paper: nothing is turned round.",
        instead=wrong.answers(divide=wrong.numbers_turned),
    ),
    Mistake(
        name="remainder missing",
        says='That is the quotient alone. Behind it come "r" and the remainder: 17/5 is 3 rest 2.',
        instead=wrong.answers(divide=lambda a, b, padded, _: padded(a // b)),
    ),
    Mistake(
        name="quotient rounded",
        says="The quotient was rounded to the nearest whole number: 23/12 is 1 rest 11, not 2. Take a // b, or "
        "divmod(a, b).",
        instead=wrong.answers(divide=lambda a, b, padded, _: f"{padded(round(a / b))}r{padded(a % b)}"),
    ),
    Mistake(
        name="decimal fraction",
        says="That is a decimal fraction. It need not end, and its dot is the boundary of lines. Give quotient and "
        "remainder.",
        instead=wrong.answers(divide=lambda a, b, _padded, _reverse: str(a / b)),
    ),
    Mistake(
        name="quotient and remainder exchanged",
        says='The remainder stands in front. First the quotient, then "r", then the remainder.',
        instead=wrong.answers(divide=lambda a, b, padded, _: f"{padded(a % b)}r{padded(a // b)}"),
    ),
    Mistake(
        name="targets not moved by one",
        says="Each target is the character at the same place. y[t] is what comes after x[t]: y = ids[1:].",
        instead=wrong.example(shift=0),
    ),
    Mistake(
        name='"=" is scored',
        says='The mask is off by one: the target "=" is still scored, and it belongs to the question. '
        'Mask line.index("=") + 1 targets.',
        instead=wrong.example(start=lambda line, mask: line.index("=") if mask else 0),
    ),
    Mistake(
        name="the first digit of the answer is masked",
        says="The mask is off by one: the answer's first character is masked too, so the model never learns it. "
        'Where x has "=", y is scored. The dot in front moves x, not y.',
        instead=wrong.example(start=lambda line, mask: line.index("=") + 2 if mask else 0),
    ),
    Mistake(
        name="the answer is masked",
        says="The answer is masked and the question is scored: the wrong way about.",
        instead=wrong.example(hide=lambda t, first, n: first > 0 and first <= t < n),
    ),
    Mistake(
        name="nothing is masked",
        says="With mask=True the question's targets are IGNORED. Nobody can foretell them, and their loss is noise.",
        instead=wrong.example(start=lambda _line, _mask: 0),
    ),
    Mistake(
        name="always masked",
        says="With mask=False the question counts too; yours is masked all the same.",
        instead=wrong.example(start=lambda line, _mask: line.index("=") + 1),
    ),
    Mistake(
        name="the filling is scored",
        says="Behind the end the targets are dots that are scored. They are always right and say nothing: IGNORED.",
        instead=wrong.example(filled=0),
    ),
    Mistake(
        name="the end is not scored",
        says="The end is not scored, so the model never learns to stop. The first dot behind the answer is a target.",
        instead=wrong.example(n_end=0),
    ),
    Mistake(
        name="masked with 0",
        says="The question is masked with 0, and 0 is an id, the dot's: the model would learn to say dots. "
        "Mask with IGNORED, -1.",
        instead=wrong.example(hidden=0),
    ),
    Mistake(
        name="no dot in front",
        says="x begins with the question. It should begin with the dot, id 0, which begins a line, as of names.",
        instead=wrong.example(front=0),
    ),
    Mistake(
        name="filled up with IGNORED",
        says="x is filled up with -1, which is no id: an embedding has no such row. Fill x with 0, y with IGNORED.",
        instead=wrong.example(fill=IGNORED),
    ),
    Mistake(
        name="the question hidden from the model",
        says="The question is masked in x, so the model cannot read what it is asked. Mask targets only: y.",
        instead=wrong.changed(wrong.question_hidden),
    ),
    Mistake(
        name="filled up in front",
        says="The filling stands in front of the line. Put it behind: each digit keeps its place, and what comes "
        "behind cannot be seen by what is scored.",
        instead=wrong.changed(wrong.filled_in_front),
    ),
    Mistake(
        name="not filled up",
        says="x and y are as long as the line. Lines of one batch must have one length: fill up to `width`.",
        instead=wrong.changed(lambda x, y, line, _mask: (x[: len(line) + 1], y[: len(line) + 1])),
    ),
    Mistake(
        name="read without turning round",
        says="A reversed answer was read as it stands. Turn it round first: int(written[::-1]).",
        instead=wrong.read(lambda written, operator, _reverse: solution.read(written, operator, False)),
    ),
    Mistake(
        name="always turned round to read",
        says="With reverse=False the answer stands as people write it; yours is turned round all the same.",
        instead=wrong.read(lambda written, operator, _reverse: solution.read(written, operator, True)),
    ),
    Mistake(
        name="division read backwards",
        says="A division is never written from the end, so it is not to be turned round for reading.",
        instead=wrong.read(wrong.division_read_back),
    ),
    Mistake(
        name="sign not read",
        says='A minus sign got lost: "80-" is -8.',
        instead=wrong.read(wrong.without_sign),
    ),
    Mistake(
        name="remainder not read",
        says="Of a division, return both numbers: [quotient, remainder].",
        instead=wrong.read(wrong.quotient),
    ),
    Mistake(
        name="nonsense read as 0",
        says="What is no answer was read as 0, and 0 is one: return None.",
        instead=wrong.read(wrong.zero_for_none),
    ),
    Mistake(
        name="nonsense not expected",
        says="A model writes nonsense before it has learned. Return None where the text is no number: "
        "try ... except ValueError.",
        instead=wrong.read(wrong.bare),
    ),
    Mistake(
        name="the list was cut",
        says="The list was shuffled and cut. Many problems stand in it twice, and one may now be in train, the other "
        "in dev: dev would measure memory. Draw among the different problems.",
        instead=wrong.with_split(wrong.cut),
    ),
    Mistake(
        name="b + a in train",
        says="No problem of dev stands in train, but some stand there in the other order: who knows 30 + 12 knows "
        "12 + 30. Give both one key.",
        instead=wrong.with_split(wrong.by_kind(lambda problem: problem)),
    ),
    Mistake(
        name="repeats dropped",
        says="Problems that stand in the list several times came out once. Draw with the set, then go through the "
        "whole list.",
        instead=wrong.with_split(
            lambda problems, fraction, seed: wrong.fair_split(list(dict.fromkeys(problems)), fraction, seed)
        ),
    ),
    Mistake(
        name="one order dropped",
        says="Of a + b and b + a only one came out. They share a key, but both are problems of the list.",
        instead=wrong.with_split(
            lambda problems, fraction, seed: wrong.fair_split([wrong.either(p) for p in problems], fraction, seed)
        ),
    ),
    Mistake(
        name="train is everything",
        says="All problems are in train, those of dev as well.",
        instead=wrong.with_split(
            lambda problems, fraction, seed: (problems, wrong.fair_split(problems, fraction, seed)[1])
        ),
    ),
    Mistake(
        name="seed ignored",
        says="Another seed gave the same split: draw with the argument `seed`.",
        instead=wrong.with_split(lambda problems, fraction, _seed: wrong.fair_split(problems, fraction, 42)),
    ),
    Mistake(
        name="the last ones are dev",
        says="Dev is the end of the list. A list in order ends with the largest numbers, and dev should be like "
        "train: draw.",
        instead=wrong.with_split(wrong.at_the_end),
    ),
    Mistake(
        name="train and dev exchanged",
        says="`fraction` is dev's share, and train comes first: return train, dev.",
        instead=wrong.with_split(lambda problems, fraction, seed: wrong.fair_split(problems, fraction, seed)[::-1]),
    ),
    Mistake(
        name="digits counted",
        says="That is the share of right characters. An answer counts if all of it is right, else not at all.",
        instead=wrong.share(wrong.characters),
    ),
    Mistake(
        name="compared as numbers",
        says="Answers without their zeros, or with one too many, were taken as right: they are the same number. "
        "Compare the texts: right to the last character.",
        instead=wrong.shared(wrong.as_numbers),
    ),
    Mistake(
        name="only the beginning compared",
        says="An answer that goes on behind the right one was taken as right. It must end there, too.",
        instead=wrong.share(lambda text, wanted: float(text.startswith(wanted))),
    ),
    Mistake(
        name="a number of answers",
        says="That is how many are right. Divide by how many there are.",
        instead=wrong.shared(wrong.how_many),
    ),
    Mistake(
        name="percent",
        says="That is in percent. A share goes from 0 to 1.",
        instead=wrong.share(lambda text, wanted: 100.0 * (text == wanted)),
    ),
]
