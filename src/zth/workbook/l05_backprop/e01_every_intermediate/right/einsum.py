"""Sums over named letters: i an example, j a character, k a hidden unit, t a place, e a number of an embedding."""

from torch import einsum, eye, full_like, where


def backward(**t):
    n, V = t["logits"].shape
    hit, largest = eye(V).double()[t["yb"]], eye(V).double()[t["logits"].argmax(1)]
    d = {"logprobs": -hit / n}
    d["probs"] = where(hit > 0, -1 / (n * t["probs"]), 0.0)
    d["counts_sum_inv"] = einsum("ij,ij->i", d["probs"], t["counts"]).unsqueeze(1)
    d["counts_sum"] = -d["counts_sum_inv"] * t["counts_sum_inv"].square()
    d["counts"] = einsum("ij,ix->ij", d["probs"], t["counts_sum_inv"]) + d["counts_sum"].expand(n, V)
    d["norm_logits"] = (t["probs"] - hit) / n  # put together on paper, from dcounts * counts
    d["logit_maxes"] = -einsum("ij->i", d["norm_logits"]).unsqueeze(1)
    d["logits"] = d["norm_logits"] + einsum("ij,ix->ij", largest, d["logit_maxes"])
    d["h"] = einsum("ij,kj->ik", d["logits"], t["W2"])
    d["W2"] = einsum("ik,ij->kj", t["h"], d["logits"])
    d["b2"] = einsum("ij->j", d["logits"])
    d["hpreact"] = d["h"] * (1 - t["hpreact"].tanh() ** 2)
    d["bngain"] = einsum("ik,ik->k", t["bnraw"], d["hpreact"]).unsqueeze(0)
    d["bnbias"] = einsum("ik->k", d["hpreact"]).unsqueeze(0)
    d["bnraw"] = einsum("ik,xk->ik", d["hpreact"], t["bngain"])
    d["bnvar_inv"] = einsum("ik,ik->k", t["bndiff"], d["bnraw"]).unsqueeze(0)
    d["bnvar"] = d["bnvar_inv"] * (t["bnvar"] + 1e-5).rsqrt().pow(3) / -2
    d["bndiff2"] = full_like(t["bndiff2"], 1 / (n - 1)) * d["bnvar"]
    d["bndiff"] = d["bnraw"] * t["bnvar_inv"] + t["bndiff"] * d["bndiff2"] + t["bndiff"] * d["bndiff2"]
    d["bnmeani"] = -einsum("ik->k", d["bndiff"]).unsqueeze(0)
    d["hprebn"] = d["bndiff"] - d["bndiff"].mean(0)  # the mean's way back takes the mean away
    d["embcat"] = einsum("ik,mk->im", d["hprebn"], t["W1"])
    d["W1"] = einsum("im,ik->mk", t["embcat"], d["hprebn"])
    d["b1"] = einsum("ik->k", d["hprebn"])
    d["emb"] = d["embcat"].unflatten(1, t["emb"].shape[1:])
    d["C"] = einsum("itv,ite->ve", eye(len(t["C"])).double()[t["xb"]], d["emb"])
    return d
