"""sampling:1.1 Who may be drawn. When you have written the functions: zth check sampling:1.1"""

import math


def tempered(logits, temperature):
    """(V,) logits -> V probabilities, those of the logits divided by the temperature."""
    raise NotImplementedError("`tempered` is not written yet: return one probability for each logit.")


def top_k(probs, k):
    """(V,) probabilities -> V probabilities, 0 for all but the k likeliest."""
    raise NotImplementedError("`top_k` is not written yet: return V probabilities, 0 for those that are cut.")


def top_p(probs, p):
    """(V,) probabilities -> V probabilities, 0 for all but the fewest that together have at least p."""
    raise NotImplementedError("`top_p` is not written yet: return V probabilities, 0 for those that are cut.")
