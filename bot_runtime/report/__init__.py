"""The report of a training: one HTML file that needs no network.

Here lives what turns an evaluation's findings into pictures and a page; nothing is decided here.
"""
