"""How long to wait before the next attempt after a failure: one formula, and a policy for each kind of attempt.

When to poll again after a success is decided in ``poll_schedule``.
"""

import datetime as dt
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential backoff: ``base`` seconds after one failure, ``factor`` times as long after each further one."""

    base: float
    factor: float
    maximum: float
    #: Largest share by which a pause is randomly shortened or lengthened, so that workers do not retry in step.
    jitter: float = 0.0

    def seconds(self, failures: int, retry_after: float | None = None) -> float:
        """The pause after the given number of failures in a row, 1 or more.

        Args:
            retry_after: what the provider asked for, in seconds; used instead of the formula.
        """
        if retry_after is not None:
            return max(1.0, retry_after)
        exponent = min(failures - 1, 30)  # a float has an end
        pause = min(self.maximum, self.base * self.factor**exponent)
        return pause * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311

    def delay(self, failures: int, retry_after: float | None = None) -> dt.timedelta:
        """The same as a time span."""
        return dt.timedelta(seconds=self.seconds(failures, retry_after))


#: Create calls that did not reach the provider, or met a rate limit.
SUBMIT = Backoff(base=2, factor=2, maximum=300, jitter=0.2)
#: Polls that failed.
POLL = Backoff(base=4, factor=2, maximum=300)
#: Polls for the link of a success that came without one; it follows within seconds.
LINK = Backoff(base=2, factor=1.5, maximum=10)
#: Searches for what became of an unconfirmed create call.
RECONCILE = Backoff(base=5, factor=4, maximum=900)
#: Downloads that failed.
ARCHIVE = Backoff(base=5, factor=2, maximum=900)
#: Result files that the storage did not take.
STORAGE = Backoff(base=60, factor=2, maximum=3600)
#: Create calls that the settings do not allow, for example for want of a key.
CONFIGURATION = Backoff(base=60, factor=1, maximum=60)
#: Polls of a task so new that the provider may not find it yet.
NOT_FOUND_YET = Backoff(base=5, factor=1, maximum=5)
