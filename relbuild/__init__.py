"""relbuild: from a Mix project to a small, verified, reproducible Docker image, and on to running systems."""

__version__ = "0.1.0"
