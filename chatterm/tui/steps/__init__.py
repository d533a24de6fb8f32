"""What each kind of step looks like in the pane: an item a kind, fed by the step's events.

An item shows a step's state and nothing else: fed with the same events, live or out of the log, it
comes to look the same.
"""
