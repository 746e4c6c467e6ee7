"""How good and how fast `vigie_signal` is, measured on recordings and shown: tables and pictures of the documentation.

Part of the repository and not of the package. A file a feature; ``python -m evaluation FOLDER`` runs them all.
"""
