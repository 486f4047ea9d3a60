"""What `relbuild init` writes into a project: a project's facts in, the files it lacks out."""
