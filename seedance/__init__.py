"""A reusable Django app that makes Seedance videos without losing a job, a video or money."""

__version__ = "0.1.0"
