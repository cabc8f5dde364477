"""The reports of trainings and backtests: each is one HTML file that needs no network.

Here lives what turns findings into pictures and a page; nothing is decided here.
"""
