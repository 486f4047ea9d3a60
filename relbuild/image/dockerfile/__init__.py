"""A plan as a Dockerfile, the scripts of its steps, and its .dockerignore."""

from relbuild.image.dockerfile.dockerignore import render_dockerignore
from relbuild.image.dockerfile.render import dockerfile_scripts, render_dockerfile

__all__ = ["dockerfile_scripts", "render_dockerfile", "render_dockerignore"]
