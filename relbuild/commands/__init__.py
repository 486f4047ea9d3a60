"""A file per verb: read, decide, act, return a result."""
