"""What builds a project's assets: package managers, their settings, and what calls them."""
