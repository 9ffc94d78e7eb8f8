"""The demonstration site's settings, with what one benchmark wants changed; it says so in the environment, as JSON."""

import json
import os

from project.settings import *  # noqa: F403
from project.settings import LOGGING, Q_CLUSTER

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False

SEEDANCE = json.loads(os.environ["BENCHMARK_SEEDANCE"])
Q_CLUSTER = {**Q_CLUSTER, **json.loads(os.environ.get("BENCHMARK_Q_CLUSTER", "{}"))}

LOGGING = {**LOGGING, "root": {"handlers": ["console"], "level": os.environ.get("BENCHMARK_LOG_LEVEL", "WARNING")}}
