"""Conversations from elsewhere: our own JSON Lines, and what other programs keep or hand out.

`recognise` looks at what a file holds, not at its name, and gives the importer for it. Ids are
made from the source's own, so that importing a file twice, or a later export of the same
conversations, adds only what is new.
"""

from chatterm.importing.base import Imported, Importer
from chatterm.importing.recognise import recognise

__all__ = ["Imported", "Importer", "recognise"]
