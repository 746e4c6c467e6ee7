"""Boards that a bench can run on: a folder each."""
