"""Runs in a process of its own, as a cluster's worker does; imports nothing that needs the app registry."""

from seedance.queue import ShutdownSignal


def wait_for_sign(jobs, answers):
    """The queue of jobs is the first argument of a worker, and that is where the sign finds it."""
    sign = ShutdownSignal()
    answers.put(sign.is_set)
    answers.put(sign.wait(30))
