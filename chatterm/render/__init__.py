"""Text to styled lines, without widgets; shared by the app and `ask`."""
