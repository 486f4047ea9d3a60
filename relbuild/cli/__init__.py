"""typer: options in, one command called, its result handed to output (a file per group of verbs)."""
