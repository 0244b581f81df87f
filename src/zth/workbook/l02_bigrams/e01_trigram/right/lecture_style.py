"""As the lecture writes it: a loop that counts, one-hot vectors, probabilities spelled out, float32."""

import torch
import torch.nn.functional as F

stoi = {s: i + 1 for i, s in enumerate("abcdefghijklmnopqrstuvwxyz")}
stoi["."] = 0


def trigrams(words):
    xs = []
    for w in words:
        chs = ["."] * 2 + list(w) + ["."]
        for ch1, ch2, ch3 in zip(chs, chs[1:], chs[2:]):
            xs.append((stoi[ch1], stoi[ch2], stoi[ch3]))
    return torch.tensor(xs)


def count(words):
    N = torch.zeros((27, 27, 27), dtype=torch.int32)
    for ix1, ix2, ix3 in trigrams(words).tolist():
        N[ix1, ix2, ix3] += 1
    return N


def probabilities(N, k):
    P = (N + k).float()
    P /= P.sum(2, keepdim=True)
    return P


def loss(P, words):
    log_likelihood = 0.0
    n = 0
    for ix1, ix2, ix3 in trigrams(words):
        log_likelihood += torch.log(P[ix1, ix2, ix3])
        n += 1
    return -log_likelihood / n


def train(W, words, steps, rate):
    t = trigrams(words)
    xenc = F.one_hot(t[:, 0] * 27 + t[:, 1], num_classes=729).float()
    W.requires_grad = True
    for _ in range(steps):
        logits = xenc @ W
        counts = logits.exp()
        probs = counts / counts.sum(1, keepdim=True)
        nll = -probs[torch.arange(len(t)), t[:, 2]].log().mean()
        W.grad = None
        nll.backward()
        W.data += -rate * W.grad
    return W
