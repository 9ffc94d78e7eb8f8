"""Settings of the demonstration site: safe by default, configured by environment variables.

docs/deployment.md lists the variables of a production site.
"""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.utils.translation import gettext_lazy as _

from seedance import __version__

from . import environment

BASE_DIR = Path(__file__).resolve().parent.parent
#: Files that the running site writes; not committed.
VAR_DIR = BASE_DIR / "var"
#: Django's development server starts a thread for each request, whose database connection would stay open.
RUNSERVER = sys.argv[1:2] == ["runserver"]

# -- Hosts and HTTPS ---------------------------------------------------------------------------------------------------

DEBUG = environment.flag("DEBUG")
SECRET_KEY = environment.text("SECRET_KEY") or environment.kept_secret(VAR_DIR / "secret-key")

PUBLIC_URL = environment.text("SEEDANCE_PUBLIC_URL")
_own_hosts = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", [*_own_hosts, *filter(None, [urlsplit(PUBLIC_URL).hostname])])

# A public site uses HTTPS only, behind a proxy that sets X-Forwarded-Proto.
HTTPS_ONLY = environment.flag("HTTPS_ONLY", default=environment.names_public_host(ALLOWED_HOSTS))
SECURE_SSL_REDIRECT = HTTPS_ONLY
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
if HTTPS_ONLY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 30 * 24 * 3600
# HSTS for subdomains and preloading affect a whole domain for months, so its owner must decide about them.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if RUNSERVER:
    SILENCED_SYSTEM_CHECKS.append("seedance.W010")  # about CONN_MAX_AGE, see below

#: Sent by ``project.middleware``; no inline code, nothing from other hosts.
CONTENT_SECURITY_POLICY = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}

# -- Apps, middleware, templates ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "project",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "seedance.apps.SeedanceConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
LOGIN_URL = "admin:login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- Database, files, cache --------------------------------------------------------------------------------------------

#: Without these, writes fail with "database is locked" when a cluster runs beside the web server.
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
}


def _database(url: str) -> dict[str, Any]:
    # No psycopg pool: the forked workers of a cluster would share its sockets.
    age = 0 if RUNSERVER else 60
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=age, conn_health_checks=True))
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {**SQLITE_OPTIONS, **config.get("OPTIONS", {})}
    return config


DATABASES = {"default": _database(environment.text("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MEDIA_ROOT = Path(environment.text("MEDIA_ROOT", str(BASE_DIR / "media")))
MEDIA_URL = "media/"  # not served: the API and the admin send videos and check permissions

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-collected"
# Until `collectstatic` has run, WhiteNoise serves the files of the apps.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not STATIC_ROOT.is_dir()

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

REDIS_URL = environment.text("REDIS_URL")
# Shared by the processes of web server and cluster; a cache in memory would not be.
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR_DIR / "cache"}
}

# -- Videos ------------------------------------------------------------------------------------------------------------

COMETAPI_KEY = environment.text("COMETAPI_KEY")


def _provider() -> dict[str, Any]:
    preset = environment.text("SEEDANCE_PRESET", "cometapi" if COMETAPI_KEY else "emulator")
    overrides = {
        "BASE_URL": environment.text("SEEDANCE_BASE_URL"),
        "API_KEY": environment.text("SEEDANCE_API_KEY", COMETAPI_KEY if preset.startswith("cometapi") else ""),
    }
    return {"PRESET": preset, **{name: value for name, value in overrides.items() if value}}


SEEDANCE: dict[str, Any] = {
    "PROVIDERS": {"default": _provider()},
    "PUBLIC_URL": PUBLIC_URL,
}

Q_CLUSTER: dict[str, Any] = {
    "name": "seedance",
    "workers": 4,
    # The time of `retry` starts when a job is fetched and includes its wait in the internal queue of the cluster:
    # retry > timeout * (1 + (queue_limit + bulk) / workers).
    "timeout": 120,
    "retry": 420,
    "queue_limit": 4,
    "bulk": 1,
    # The rows of the app decide what is tried again.
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": 100,
    "recycle": 200,
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

# -- The REST API ------------------------------------------------------------------------------------------------------

# Throttling is off: add DEFAULT_THROTTLE_CLASSES and DEFAULT_THROTTLE_RATES for a public site.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "project.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Seedance videos",
    "VERSION": __version__,
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# -- Passwords, languages, logging -------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese")), ("ja", _("Japanese"))]
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"seedance": {"level": "INFO"}, "django-q": {"level": "INFO"}},
}
