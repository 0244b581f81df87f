"""Three ways to keep the absurd from being drawn, and what each costs.

**Temperature** divides the logits, so it takes the T-th root of every ratio of two probabilities: at 0.5 what was
twice as likely is four times as likely. It cuts nothing; the absurd only gets rarer. Dividing makes large numbers
of ordinary ones, so the largest is taken away before `exp`, *after* dividing.

**Top-k** cuts, but the same number whether the model is sure or not. After "q" a name has one likely letter, and k
= 5 lets four absurd ones in; at its beginning twenty letters are sensible, and k = 5 forbids fifteen.

**Top-p** asks for the smallest set with a probability of at least p, so the set is as large as the model is unsure.
The one that reaches p belongs to it: left out, the set would have less than p, and where the model is very sure, be
empty.

All three return probabilities, so what is left is divided by its sum; and each stays in its place, since a place is
an id. Ranking the *places* keeps both in hand.
"""

from zth_sampling.cuts import tempered, top_k, top_p

__all__ = ["tempered", "top_k", "top_p"]
