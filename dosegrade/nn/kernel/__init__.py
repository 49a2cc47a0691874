"""The kernel of the compiled engine: whole epochs of a small network in one call, without the interpreter and without its lock.

Everything is feature-major, the samples of a batch innermost and padded to whole vectors, so that the compiler vectorises each loop. What
a network is made of comes in as codes: a name that has no code here is trained by another engine. The rules are those of the tables, the
derivation that of `Network.steps`; tests hold both to 1e-12. Infinities and nan are kept: divergence stays visible.
"""
