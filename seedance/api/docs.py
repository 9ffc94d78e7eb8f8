"""The OpenAPI document, and a page that shows it."""

from typing import Any

from django.apps import apps
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from .. import __version__
from .base import ProblemAPIView, path_to

#: The app with Swagger UI's files, so that the page loads nothing from other hosts.
_ASSETS = "drf_spectacular_sidecar"


class SeedanceSchemaGenerator(SchemaGenerator):
    """Describes only the endpoints of this app, under its own title, whatever else the site describes."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        """The OpenAPI document."""
        schema: dict[str, Any] = super().get_schema(request=request, public=True)
        schema["info"] = {
            "title": "Seedance videos",
            "version": __version__,
            "description": "Create video tasks, follow them, download the files. Errors are application/problem+json.",
        }
        if request is not None:
            schema["servers"] = [{"url": path_to(request, "api-schema").removesuffix("/schema/")}]
        return schema


class DocumentationView(ProblemAPIView):
    """Base of the pages that describe the API: drf-spectacular's settings decide who may read them."""

    permission_classes = SpectacularAPIView.permission_classes
    authentication_classes = SpectacularAPIView.authentication_classes
    content_negotiation_class = DefaultContentNegotiation
    versioning_class = None


class SchemaView(DocumentationView, SpectacularAPIView):
    """The OpenAPI document, as JSON or, on request, YAML."""

    generator_class = SeedanceSchemaGenerator
    renderer_classes = [OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2]


class DocsView(DocumentationView):
    """Swagger UI where its files are installed, and a plain list of the endpoints everywhere."""

    renderer_classes = [TemplateHTMLRenderer]
    patterns: list[Any] | None = None

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """The page."""
        schema = SeedanceSchemaGenerator(patterns=self.patterns).get_schema(request)
        operations = [
            {"method": method.upper(), "path": path, "summary": operation.get("summary", "")}
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
        ]
        return Response(
            {
                "title": schema["info"]["title"],
                "operations": operations,
                "schema_url": path_to(request, "api-schema"),
                "swagger_ui": f"{_ASSETS}/swagger-ui-dist" if apps.is_installed(_ASSETS) else "",
            },
            template_name="seedance/api/docs.html",
        )
