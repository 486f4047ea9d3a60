"""What will be built, and what an image is; no file, process, clock or network."""
