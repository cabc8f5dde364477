"""Candidate algorithms: one file each, and a table of which name in a resource is which class.

What may live here: the protocol of a candidate, the registry, and one module per algorithm, which
alone imports that algorithm's libraries. A candidate knows features, targets and rows; it knows
nothing of the store's layout, of calibration or of what its predictions are used for.
"""
