"""The demonstration site's settings, with only what tests need changed."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Before the site's settings are read: tests leave no secret, database or media in the checkout.
os.environ.setdefault("SECRET_KEY", "for-tests-only-" + "x" * 50)

from project.settings import *  # noqa: F403
from project.settings import DATABASES, SEEDANCE

TEMPORARY = Path(tempfile.mkdtemp(prefix="seedance-tests-"))
_OWNER = os.getpid()


@atexit.register
def _remove_temporary():
    if os.getpid() == _OWNER:  # a forked cluster must not take our files away
        shutil.rmtree(TEMPORARY, ignore_errors=True)


DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads and several connections meet in it.
    DATABASES["default"]["NAME"] = TEMPORARY / "db.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(TEMPORARY / "test.sqlite3")}

MEDIA_ROOT = TEMPORARY / "media"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Fixtures put the emulator's free port in.
SEEDANCE = {**SEEDANCE, "PROVIDERS": {"default": {"PRESET": "emulator"}}, "PUBLIC_URL": ""}
