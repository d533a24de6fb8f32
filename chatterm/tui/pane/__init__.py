"""The conversation pane: a window of light widgets over any number of steps.

An `Item` says what stands at one place, in styled lines at a width, and knows no widget. The
`ConversationPane` holds all items and their heights, mounts a `StepView` for those near what is
seen, and keeps what is read where it is while heights above it are corrected.
"""
