"""Everything that the operator and the runtime must agree on, spelled once.

Only names, pure functions and frozen pydantic models live here: no I/O, no clock, and no import
beyond pydantic and the standard library, so that both images can afford it.
"""
