"""A small language model on this machine: real streaming without a key, and for tests.

It is *tiny*: it shows how a model answers, not what models can do.
"""
