"""Programs that developers and CI run on this tree: environment, text check, generation, summary.

Nothing here is shipped in an image or imported by the product.
"""
