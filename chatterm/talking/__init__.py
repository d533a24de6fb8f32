"""A conversation as every interactive front end leads it, whatever it is shown on."""
