"""Benchmarks: ratios measured in one run, each held against its limit.

`make bench` runs all, `make bench NAME=inference-cold` one. A figure is a line: name, value, limit,
`holds` or `falls short`; the exit code is 1 if any falls short. Absolute times are for orientation.
"""
