"""Text in, integers out: the corpora, the vocabulary, the split, the windows; and two moons for lecture 1."""
