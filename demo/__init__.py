"""The demo: from a bare machine to a bot that trades on paper, in named steps.

`python -m demo` runs it on a cluster, `python -m demo local` as plain processes.
"""
