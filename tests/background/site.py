"""Settings of a site of somebody else, its background work and its database as the environment says."""

import json
import os

import dj_database_url

SECRET_KEY = "site-with-work-in-the-background"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.background.site"
USE_TZ = True
DATABASES = {
    "default": {
        "ATOMIC_REQUESTS": True,
        **dj_database_url.parse(os.environ["SITE_DATABASE"], conn_max_age=60, conn_health_checks=True),
    }
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "seedance"]
MEDIA_ROOT = os.environ["SITE_MEDIA"]
SEEDANCE = {
    "PROVIDERS": {"default": {"PRESET": "emulator", "BASE_URL": os.environ["SITE_PROVIDER"]}},
    **json.loads(os.environ["SITE_SETTINGS"]),
}
# What a test wants different: INSTALLED_APPS, MIDDLEWARE, Q_CLUSTER, …
globals().update(json.loads(os.environ["SITE_DJANGO"]))


def __getattr__(name):
    """The site's addresses, read only once apps are ready."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import include, path

    return [path("seedance/", include("seedance.urls"))]
