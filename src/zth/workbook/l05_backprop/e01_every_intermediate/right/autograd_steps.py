"""Each line undone by autograd on that line alone: a vector-Jacobian product for each."""

import torch


def pull(line, gradient, *tensors):
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    return torch.autograd.grad(line(*leaves), leaves, gradient)


def backward(**t):
    n = len(t["yb"])
    d = {}
    (d["logprobs"],) = pull(lambda x: -x[torch.arange(n), t["yb"]].mean(), None, t["logprobs"])
    (d["probs"],) = pull(torch.log, d["logprobs"], t["probs"])
    first, d["counts_sum_inv"] = pull(torch.mul, d["probs"], t["counts"], t["counts_sum_inv"])
    (d["counts_sum"],) = pull(torch.reciprocal, d["counts_sum_inv"], t["counts_sum"])
    (second,) = pull(lambda x: x.sum(1, keepdim=True), d["counts_sum"], t["counts"])
    d["counts"] = first + second
    (d["norm_logits"],) = pull(torch.exp, d["counts"], t["norm_logits"])
    first, d["logit_maxes"] = pull(torch.sub, d["norm_logits"], t["logits"], t["logit_maxes"])
    (second,) = pull(lambda x: x.max(1, keepdim=True).values, d["logit_maxes"], t["logits"])
    d["logits"] = first + second
    d["h"], d["W2"], d["b2"] = pull(lambda h, W, b: h @ W + b, d["logits"], t["h"], t["W2"], t["b2"])
    (d["hpreact"],) = pull(torch.tanh, d["h"], t["hpreact"])
    d["bngain"], d["bnraw"], d["bnbias"] = pull(
        lambda g, x, b: g * x + b, d["hpreact"], t["bngain"], t["bnraw"], t["bnbias"]
    )
    first, d["bnvar_inv"] = pull(torch.mul, d["bnraw"], t["bndiff"], t["bnvar_inv"])
    (d["bnvar"],) = pull(lambda x: (x + 1e-5) ** -0.5, d["bnvar_inv"], t["bnvar"])
    (d["bndiff2"],) = pull(lambda x: 1 / (n - 1) * x.sum(0, keepdim=True), d["bnvar"], t["bndiff2"])
    (second,) = pull(lambda x: x**2, d["bndiff2"], t["bndiff"])
    d["bndiff"] = first + second
    first, d["bnmeani"] = pull(torch.sub, d["bndiff"], t["hprebn"], t["bnmeani"])
    (second,) = pull(lambda x: 1 / n * x.sum(0, keepdim=True), d["bnmeani"], t["hprebn"])
    d["hprebn"] = first + second
    d["embcat"], d["W1"], d["b1"] = pull(lambda x, W, b: x @ W + b, d["hprebn"], t["embcat"], t["W1"], t["b1"])
    (d["emb"],) = pull(lambda x: x.view(n, -1), d["embcat"], t["emb"])
    (d["C"],) = pull(lambda C: C[t["xb"]], d["emb"], t["C"])
    return d
