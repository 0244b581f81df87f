"""Lists, one unit after the other."""

from statistics import mean, variance


def unit(dy, x, gain, inv):
    n = len(dy)
    total = sum(dy)
    along = sum(d * a for d, a in zip(dy, x))
    return [gain * inv * (d - total / n - a * along / (n - 1)) for d, a in zip(dy, x)]


def columns(table):
    return list(zip(*table))


def dhprebn(dhpreact, bngain, bnraw, bnvar_inv):
    units = zip(columns(dhpreact.tolist()), columns(bnraw.tolist()), bngain[0].tolist(), bnvar_inv[0].tolist())
    return columns([unit(*each) for each in units])


def batchnorm_backward(dhpreact, hprebn, bngain):
    dxs, dgains, dbiases = [], [], []
    for dy, x, gain in zip(columns(dhpreact.tolist()), columns(hprebn.tolist()), bngain[0].tolist()):
        inv = (variance(x) + 1e-5) ** -0.5
        raw = [(a - mean(x)) * inv for a in x]
        dxs.append(unit(dy, raw, gain, inv))
        dgains.append(sum(d * a for d, a in zip(dy, raw)))
        dbiases.append(sum(dy))
    return columns(dxs), [dgains], [dbiases]
