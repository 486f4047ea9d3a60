"""The release's own commands and the places they run in; no file, process, clock or network."""
