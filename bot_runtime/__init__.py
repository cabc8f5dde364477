"""The runtime of a trading bot: fetch candles, train, evaluate, infer.

It knows nothing of Kubernetes: configuration comes down as one file, results go up as one message
and an exit code. `contract` is the only part that the operator imports.
"""
