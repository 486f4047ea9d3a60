"""The only effects: processes, the Docker Engine's reads, a registry, files."""
