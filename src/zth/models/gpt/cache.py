"""Keys and values of the positions read so far, so that the next one asks and nothing else is computed again.

Letters: B texts, G key-value heads, T new positions, S positions kept, D the size of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor


class LayerCache:
    """The last `size` keys and values of one layer, in a ring: position n lies in slot n % size.

    Their order in the ring does not matter: attention is a sum, and places are turned into the keys.

    >>> cache = LayerCache(2)
    >>> for n in (1.0, 2.0, 3.0):
    ...     k, v = cache.extended(torch.full((1, 1, 1, 1), n), torch.full((1, 1, 1, 1), -n))
    >>> k.flatten().tolist(), v.flatten().tolist(), cache.length
    ([3.0, 2.0], [-3.0, -2.0], 3)
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.length = 0
        """Positions seen, those that left the ring included."""
        self._keys = self._values = torch.empty(0)

    def extended(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, G, T, D) of the next positions -> those that the new positions may look at.

        An empty cache takes any T and gives back what it got (the caller masks); then it takes one at a time.
        """
        T = k.shape[2]
        assert T == 1 or self.length == 0, (T, self.length)
        if self.length == 0:
            shape = (*k.shape[:2], self.size, k.shape[3])
            self._keys, self._values = k.new_empty(shape), v.new_empty(shape)
        if T > 1:
            first = max(0, T - self.size)  # of a longer text the ring keeps the end
            slots = torch.arange(first, T, device=k.device) % self.size
            self._keys[:, :, slots], self._values[:, :, slots] = k[:, :, first:], v[:, :, first:]
            self.length = T
            return k, v
        slot = self.length % self.size
        self._keys[:, :, slot], self._values[:, :, slot] = k[:, :, 0], v[:, :, 0]
        self.length += 1
        n_kept = min(self.length, self.size)
        return self._keys[:, :, :n_kept], self._values[:, :, :n_kept]


class Cache:
    """One LayerCache for each layer."""

    def __init__(self, layers: int, size: int) -> None:
        self.layers = [LayerCache(size) for _ in range(layers)]

    @property
    def length(self) -> int:
        return self.layers[0].length
