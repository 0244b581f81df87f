"""Plain lists: at each position, a node of each level; the nodes before the text are computed once, over dots."""

from math import tanh


def dilated(x, W, b, dilation):
    columns, b = list(zip(*W.double().tolist())), b.double().tolist()
    return [[pair(row, t, dilation, columns, b) for t in range(len(row))] for row in x.double().tolist()]


def pair(row, t, dilation, columns, b):
    inputs = row[max(t - dilation, 0)] + row[t]
    return affine(inputs, columns, b)


def affine(inputs, columns, b):
    return [sum(map(float.__mul__, inputs, column), bias) for column, bias in zip(columns, b)]


def all_positions(ids, parameters):
    C = parameters["C"].double().tolist()
    levels = [(list(zip(*W.double().tolist())), b.double().tolist()) for W, b in parameters["levels"]]
    columns, bias = list(zip(*parameters["W"].double().tolist())), parameters["b"].double().tolist()
    result = []
    for row in ids.tolist():
        nodes = [C[0]] + [C[i] for i in row]
        for level, (W, b) in enumerate(levels):
            fused = [pair(nodes, t, 2**level, W, b) for t in range(len(nodes))]
            nodes = [list(map(tanh, node)) for node in fused]
        result.append([affine(node, columns, bias) for node in nodes[1:]])
    return result
