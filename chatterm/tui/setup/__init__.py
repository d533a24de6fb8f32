"""The setup: a model is found, tried and chosen, then the colours; what is chosen is written down.

`flow` leads from step to step, `candidates` finds who can be asked, `panels` are what a step is
asked with.
"""
