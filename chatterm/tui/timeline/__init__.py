"""Where a turn's time went: bars out of its events, their chart in styled lines, and a view of it.

`spans` and `chart` are pure; `view` has the widget and the screen.
"""

from chatterm.tui.timeline.chart import timeline_lines
from chatterm.tui.timeline.spans import Bar, Spans, spans_of
from chatterm.tui.timeline.view import TimelineScreen, TimelineView

__all__ = ["Bar", "Spans", "TimelineScreen", "TimelineView", "spans_of", "timeline_lines"]
