"""The Elixir language, as far as a project's files can be read without running Elixir; it knows nothing of Mix."""
