"""What an image is built from and why: a project and relbuild.yml become a plan, which the Dockerfile renders."""

from relbuild.image.plan.plan import Plan, make_plan

__all__ = ["Plan", "make_plan"]
