"""The turn loop: stream a round, answer its calls, go on."""
