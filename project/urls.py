"""URLs of the demonstration site."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from . import views

urlpatterns = [
    path("", views.landing, name="landing"),
    path(
        "favicon.ico", RedirectView.as_view(url=static("project/icon.svg"))
    ),  # browsers request it for the pages of the admin
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("seedance/", include("seedance.urls")),
]
