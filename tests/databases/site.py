"""Settings of a site whose databases and router come from the environment."""

import json
import os

SECRET_KEY = "site-with-databases-of-its-own"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.databases.site"
USE_TZ = True
DATABASES = json.loads(os.environ["SITE_DATABASES"])
DATABASE_ROUTERS = json.loads(os.environ["SITE_ROUTERS"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django_q",
    "seedance",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
# A replica that lags behind would not know of a session in the database.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
MEDIA_ROOT = os.environ["SITE_MEDIA"]
SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "emulator"}}, "THREADS": 2}
Q_CLUSTER = {"orm": "default", "timeout": 120, "retry": 420, "ack_failures": True}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
}


def __getattr__(name):
    """The site's addresses, read only once apps are ready."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.contrib import admin
    from django.urls import include, path

    return [path("admin/", admin.site.urls), path("seedance/", include("seedance.urls"))]
