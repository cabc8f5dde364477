"""Binance's paths, parameters and answers over HTTP."""
