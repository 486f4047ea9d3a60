"""The command line: typer parses the options, one command runs, output shows its result."""
