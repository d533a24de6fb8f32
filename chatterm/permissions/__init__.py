"""The gate: which tool calls may run, which must be asked about, which never run."""
