"""Generic screens over the conversation: a picker, a pager, a menu, an entry, a yes or no, help.

They know no provider, no store and no session: what they show and what is done with an answer is
given by whoever opens them. Each is a panel with a title of one row, and a row of hints at its end
that follows the keys as the user has mapped them.
"""
