"""The test exchange: a market server that speaks the market-data half of Binance's spot REST.

What may live here: markets (generated, replayed), the clock and the faults that a test sets, and
the HTTP routes that show them in Binance's shape. It imports nothing of the operator or the
runtime, so that what they are tested against shares no mistake with them.
"""
