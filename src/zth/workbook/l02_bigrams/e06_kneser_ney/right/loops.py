"""Lists, sets and loops."""


def continuation_counts(N):
    before = {}
    for x, row in enumerate(N.tolist()):
        for y, n in enumerate(row):
            if n:
                before.setdefault(y, set()).add(x)
    return [len(before.get(y, ())) for y in range(len(N))]


def kneser_ney(N, d):
    counts = continuation_counts(N)
    pairs = sum(counts)
    P = []
    for row in N.tolist():
        total = sum(row)
        followers = sum(1 for n in row if n > 0)
        if total == 0:
            P.append([c / pairs for c in counts])
            continue
        P.append([max(n - d, 0) / total + d * followers / total * c / pairs for n, c in zip(row, counts)])
    return P
