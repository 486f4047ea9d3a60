"""Building an image: the docker commands, the build's progress, and why it failed."""
