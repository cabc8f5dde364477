"""The runtime of a trading bot: fetch candles, train, evaluate, infer.

It knows nothing of Kubernetes: configuration comes down as one file, results go up as one message
and an exit code. `contract` is the only room that the operator imports. ARCHITECTURE.md shows the
rooms; each begins with a sentence that says what belongs there.
"""
