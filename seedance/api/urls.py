"""URL patterns below ``api/v1/``."""

from django.urls import path, re_path
from rest_framework.parsers import MultiPartParser

from .base import NotFoundView
from .catalogue import ModelsView
from .docs import DocsView, SchemaView
from .downloads import LastFrameView, VideoView
from .parsers import StrictJSONParser
from .views import TaskViewSet

_WITH_FILES = {"parser_classes": [StrictJSONParser, MultiPartParser]}

#: The endpoints that the schema describes.
endpoints = [
    path("tasks/", TaskViewSet.as_view({"get": "list", "post": "create"}, **_WITH_FILES), name="api-tasks"),
    path("tasks/estimate/", TaskViewSet.as_view({"post": "estimate"}, **_WITH_FILES), name="api-estimate"),
    path("tasks/batch/", TaskViewSet.as_view({"post": "batch"}), name="api-batch"),
    path("tasks/<str:task_id>/", TaskViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="api-task"),
    path("tasks/<str:task_id>/submit/", TaskViewSet.as_view({"post": "submit"}), name="api-task-submit"),
    path("tasks/<str:task_id>/sync/", TaskViewSet.as_view({"post": "sync"}), name="api-task-sync"),
    path("tasks/<str:task_id>/archive/", TaskViewSet.as_view({"post": "archive"}), name="api-task-archive"),
    path("tasks/<str:task_id>/cancel/", TaskViewSet.as_view({"post": "cancel"}), name="api-task-cancel"),
    path("tasks/<str:task_id>/retry/", TaskViewSet.as_view({"post": "retry"}), name="api-task-retry"),
    path("tasks/<str:task_id>/events/", TaskViewSet.as_view({"get": "events"}), name="api-task-events"),
    path("tasks/<str:task_id>/video/", VideoView.as_view(), name="api-task-video"),
    path("tasks/<str:task_id>/last_frame/", LastFrameView.as_view(), name="api-task-last-frame"),
    path("models/", ModelsView.as_view(), name="api-models"),
]

urlpatterns = [
    *endpoints,
    path("schema/", SchemaView.as_view(patterns=endpoints), name="api-schema"),
    path("docs/", DocsView.as_view(patterns=endpoints), name="api-docs"),
    re_path(r"^[\s\S]*\Z", NotFoundView.as_view()),
]
