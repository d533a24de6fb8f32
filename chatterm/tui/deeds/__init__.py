"""What can be done in the app, by what it is about."""
