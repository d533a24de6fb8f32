"""The interactive program as a conversation line by line: text and prompts, nothing drawn."""
