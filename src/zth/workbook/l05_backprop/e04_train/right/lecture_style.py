"""As the lecture writes it, with its loop for dC."""

import torch
import torch.nn.functional as F


@torch.no_grad()
def train_step(parameters, xb, yb, lr):
    C, W1, b1, W2, b2, bngain, bnbias = parameters
    n = xb.shape[0]
    # forward pass
    emb = C[xb]
    embcat = emb.view(emb.shape[0], -1)
    hprebn = embcat @ W1 + b1
    bnmean = hprebn.mean(0, keepdim=True)
    bnvar = hprebn.var(0, keepdim=True, unbiased=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = (hprebn - bnmean) * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = torch.tanh(hpreact)
    logits = h @ W2 + b2
    loss = F.cross_entropy(logits, yb)
    # backward pass
    dlogits = F.softmax(logits, 1)
    dlogits[range(n), yb] -= 1
    dlogits /= n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
    dbnbias = dhpreact.sum(0, keepdim=True)
    dhprebn = (
        bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))
    )
    dembcat = dhprebn @ W1.T
    dW1 = embcat.T @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.view(emb.shape)
    dC = torch.zeros_like(C)
    for k in range(xb.shape[0]):
        for j in range(xb.shape[1]):
            dC[xb[k, j]] += demb[k, j]
    grads = [dC, dW1, db1, dW2, db2, dbngain, dbnbias]
    # update
    for p, grad in zip(parameters, grads):
        p.data += -lr * grad
    return loss, parameters


@torch.no_grad()
def calibrate(parameters, X):
    C, W1, b1 = parameters[:3]
    emb = C[X]
    hpreact = emb.view(emb.shape[0], -1) @ W1 + b1
    return hpreact.mean(0, keepdim=True), hpreact.var(0, keepdim=True, unbiased=True)


def train(parameters, X, Y, n_steps):
    for i in range(n_steps):
        ix = torch.randint(0, X.shape[0], (32,))
        lr = 0.2 if i < n_steps * 2 / 3 else 0.02
        loss, parameters = train_step(parameters, X[ix], Y[ix], lr)
    C, W1, b1, W2, b2, bngain, bnbias = parameters
    bnmean, bnvar = calibrate(parameters, X)

    @torch.no_grad()
    def logits(contexts):
        emb = C[contexts]
        hpreact = emb.view(emb.shape[0], -1) @ W1 + b1
        hpreact = bngain * (hpreact - bnmean) * (bnvar + 1e-5) ** -0.5 + bnbias
        return torch.tanh(hpreact) @ W2 + b2

    return logits
