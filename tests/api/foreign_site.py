"""Settings of a site whose REST framework is set up quite differently from ours, and that installs the app alone."""

import tempfile
from pathlib import Path

_ROOT = Path(tempfile.gettempdir())

SECRET_KEY = "foreign"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.api.foreign_site"
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True},
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "rest_framework",
    "seedance",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/assets/"
MEDIA_ROOT = _ROOT
SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "emulator"}}}
Q_CLUSTER = {"orm": "default", "timeout": 120, "retry": 420}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 1,
    "DEFAULT_FILTER_BACKENDS": ["rest_framework.filters.SearchFilter"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "ALLOWED_VERSIONS": ["7"],
    "EXCEPTION_HANDLER": "tests.api.foreign_site.refuse_everything",
    "NON_FIELD_ERRORS_KEY": "whole",
    "COERCE_DECIMAL_TO_STRING": False,
    "DATETIME_FORMAT": "%d.%m.%Y",
    "UPLOADED_FILES_USE_URL": False,
    "URL_FORMAT_OVERRIDE": "output",
}


def refuse_everything(exc, context):
    """An exception handler that must never be asked about our views."""
    raise AssertionError("the site's exception handler was asked")


def __getattr__(name):
    """The site's addresses: a prefix and a namespace of its own, read only once apps are ready."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import include, path

    return [path("tools/video/", include("seedance.urls", namespace="clips"))]
