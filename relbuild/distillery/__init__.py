"""From a Distillery project to one that `mix release` builds: texts in, changed texts out."""
