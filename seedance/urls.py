"""Everything a site includes: ``path("seedance/", include("seedance.urls"))``."""

from django.urls import include, path

from .views import CallbackView, HealthView, MediaView

app_name = "seedance"

urlpatterns = [
    path("api/v1/", include("seedance.api.urls")),
    path("callbacks/<slug:token>/", CallbackView.as_view(), name="callback"),
    path("media/<str:key>/", MediaView.as_view(), name="media"),
    path("health/", HealthView.as_view(), name="health"),
]
