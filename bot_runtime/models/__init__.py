"""Candidate algorithms: one file each, found by the name that the resource uses.

What may live here: the protocol of a candidate, the registry, and one module per algorithm, which
alone imports that algorithm's libraries. A candidate knows features, targets and rows; it knows
nothing of the store's layout, of calibration or of what its predictions are used for.
"""
