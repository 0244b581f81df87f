"""As the lecture writes it, with other numbers: autograd and plain gradient descent."""

import torch
import torch.nn.functional as F

stoi = {ch: i for i, ch in enumerate(".abcdefghijklmnopqrstuvwxyz")}


def examples(words, block_size):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]
    return torch.tensor(X), torch.tensor(Y)


def rates(low, high, n):
    low, high = torch.tensor([low, high], dtype=torch.float64).log10()
    return 10 ** torch.linspace(low, high, n, dtype=torch.float64)


def best(trials):
    place, lowest = None, float("inf")
    for i, trial in enumerate(trials):
        if trial["dev"] < lowest:
            place, lowest = i, trial["dev"]
    return place


def train(words, seed):
    T, E, H = 4, 10, 100
    steps, batch, lr = 6000, 64, 0.5
    g = torch.Generator().manual_seed(seed)
    X, Y = examples(words, T)
    C = torch.randn((27, E), generator=g)
    W1 = torch.randn((T * E, H), generator=g) * (5 / 3) / (T * E) ** 0.5
    b1 = torch.zeros(H)
    W2 = torch.randn((H, 27), generator=g) * 0.01
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True

    def forward(contexts):
        emb = C[contexts]
        h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
        return h @ W2 + b2

    for i in range(steps):
        ix = torch.randint(0, X.shape[0], (batch,), generator=g)
        loss = F.cross_entropy(forward(X[ix]), Y[ix])
        for p in parameters:
            p.grad = None
        loss.backward()
        rate = lr if i < 0.6 * steps else lr / 10
        for p in parameters:
            p.data += -rate * p.grad

    @torch.no_grad()
    def predict(contexts):
        return F.softmax(forward(contexts), dim=1)

    return T, predict
