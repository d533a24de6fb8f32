"""What stands behind the prompt: history, completion, pasting, attaching, vim keys."""
