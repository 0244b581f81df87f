"""By experiment, as the lecture writes its nets: every claim is what torch's autograd says of a small one."""

import torch
import torch.nn.functional as F

NAMES = ["C", "W1", "b1", "W2", "b2"]


def forward(p, X, activation=torch.tanh):
    h = p["C"][X].view(len(X), -1)
    n = sum(name.startswith("W") for name in p)
    for i in range(1, n + 1):
        h = h @ p[f"W{i}"] + p.get(f"b{i}", 0.0)
        if i == n:
            return h
        if "bngain" in p:
            mean, var = h.mean(0, keepdim=True), h.var(0, keepdim=True)
            h = p["bngain"] * (h - mean) / torch.sqrt(var + 1e-5) + p["bnbias"]
        h = activation(h)


def random_net(names):
    n = sum(name.startswith("W") for name in names)
    widths = [3 * 2, *[10] * (n - 1), 5]
    p = {"C": torch.randn(5, 2)}
    for name in names[1:]:
        i = int(name[1:]) if name[1:].isdigit() else 1
        p[name] = torch.randn(widths[i - 1], widths[i]) * 0.5 if name[0] == "W" else torch.randn(widths[i])
    if "bngain" in p:
        p["bngain"] = torch.ones(10)
    return p


def moves(names, zero, activation, steps):
    torch.manual_seed(1)
    p = random_net(names)
    for name in zero:
        p[name] = torch.zeros_like(p[name])
    X, Y = torch.randint(5, (30, 3)), torch.randint(5, (30,))
    moved = []
    for _ in range(steps):
        for tensor in p.values():
            tensor.requires_grad_().grad = None
        F.cross_entropy(forward(p, X, getattr(torch, activation)), Y).backward()
        for name in p:
            if p[name].grad.abs().max() > 0 and name not in moved:
                moved.append(name)
            p[name].data -= 0.1 * p[name].grad
    return moved


def limit(counts):
    return torch.distributions.Categorical(probs=counts.double()).entropy()


def gradients(parameters, X, Y):
    p = {name: tensor.clone().requires_grad_() for name, tensor in parameters.items()}
    loss = F.cross_entropy(forward(p, X), Y)
    return dict(zip(p, torch.autograd.grad(loss, list(p.values()))))


def train(C, n_hidden, X, Y):
    """With batches of 32, and the rate lowered in the end."""
    g = torch.Generator().manual_seed(2147483647)
    V, E = C.shape
    p = [C.clone(), torch.zeros(3 * E, n_hidden), torch.zeros(n_hidden), torch.zeros(n_hidden, V), torch.zeros(V)]
    p = dict(zip(NAMES, p))
    for tensor in p.values():
        tensor.requires_grad = True
    for i in range(3000):
        ix = torch.randint(0, len(X), (32,), generator=g)
        loss = F.cross_entropy(forward(p, X[ix]), Y[ix])
        for tensor in p.values():
            tensor.grad = None
        loss.backward()
        for tensor in p.values():
            tensor.data += -(1.0 if i < 2000 else 0.05) * tensor.grad
    return {name: tensor.detach() for name, tensor in p.items()}
