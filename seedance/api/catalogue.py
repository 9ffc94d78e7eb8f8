"""The endpoint ``models/``: capabilities, limits and prices of each provider of this site."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from ..catalogue import ModelRow, current_catalogue, host_of
from ..conf import provider_aliases
from ..models import Account, ModelPause
from .base import SeedanceAPIView, conditional
from .schema import documented


@extend_schema_serializer(component_name="VideoModelPrice")
class PriceSerializer(serializers.Serializer):
    """One line of a price list. A condition that is null or empty always holds."""

    amount = serializers.CharField(source="price", help_text="A decimal number as text.")
    currency = serializers.CharField(help_text="Such as USD.")
    per = serializers.CharField(help_text="million_tokens, or second of generated video.")
    resolutions = serializers.ListField(child=serializers.CharField(), help_text="Only for these resolutions.")
    video_input = serializers.BooleanField(allow_null=True, help_text="Only with, or without, a reference video.")
    audio = serializers.BooleanField(allow_null=True, help_text="Only with, or without, sound.")
    service_tier = serializers.CharField(allow_null=True, help_text="Only in this tier.")
    verified = serializers.BooleanField(help_text="False when only a weak source says so.")
    discount = serializers.CharField(
        allow_null=True, help_text="The part that a time-limited offer takes off the amount, such as 0.2."
    )
    until = serializers.DateField(
        allow_null=True,
        format="iso-8601",
        help_text="The last day of the discount. Null: not known, and the discount is not counted.",
    )


@extend_schema_serializer(component_name="VideoModel")
class ModelSerializer(serializers.Serializer):
    """One model, as one provider offers it."""

    model = serializers.CharField(source="name", help_text="The value for model in a request.")
    title = serializers.CharField(help_text="For people.")
    family = serializers.CharField(help_text="The same model has the same family at every provider.")
    state = serializers.CharField(help_text="current, retiring or historical.")
    verified = serializers.DateField(
        format="iso-8601", help_text="When these facts were last compared with the provider's pages."
    )
    capabilities = serializers.SerializerMethodField(help_text="Modes, parameters and other things it can do.")
    limits = serializers.SerializerMethodField(help_text="Durations in seconds, resolutions, ratios, references.")
    defaults = serializers.SerializerMethodField(help_text="The values of parameters that a request does not give.")
    prices = PriceSerializer(many=True, help_text="Empty when no price is known.")
    sizes = serializers.DictField(help_text="Width and height in pixels, by resolution and ratio.")

    @extend_schema_field(serializers.DictField())
    def get_capabilities(self, row: ModelRow) -> Mapping[str, Any]:
        return asdict(row.capabilities)

    @extend_schema_field(serializers.DictField())
    def get_limits(self, row: ModelRow) -> Mapping[str, Any]:
        return asdict(row.limits)

    @extend_schema_field(serializers.DictField())
    def get_defaults(self, row: ModelRow) -> Mapping[str, Any]:
        return asdict(row.defaults)


@extend_schema_serializer(component_name="VideoProvider")
class ProviderSerializer(serializers.Serializer):
    """One provider of this site and its models."""

    provider = serializers.CharField(help_text="The value for provider in a request.")
    paused = serializers.BooleanField(help_text="Whether nothing is sent there until a person resumes it.")
    paused_models = serializers.ListField(
        child=serializers.CharField(), help_text="Models of it to which nothing is sent until a person resumes them."
    )
    models = ModelSerializer(many=True, help_text="Best first.")


@extend_schema_serializer(component_name="VideoCatalogue")
class CatalogueSerializer(serializers.Serializer):
    """All providers of this site."""

    providers = ProviderSerializer(many=True, help_text='"default" first.')


class ModelsView(SeedanceAPIView):
    """The catalogue."""

    @documented(
        operation_id="list_models",
        summary="List models",
        description="Capabilities, limits and prices of every model, for each provider of this site.",
        responses={200: CatalogueSerializer, 304: None},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Every model of every provider."""
        catalogue = current_catalogue()
        paused = set(Account.objects.paused_aliases())
        paused_models: dict[str, list[str]] = defaultdict(list)
        for alias, name in ModelPause.objects.values_list("provider", "model_name"):
            paused_models[alias].append(name)
        providers = [
            {
                "provider": alias,
                "paused": alias in paused,
                "paused_models": paused_models[alias],
                "models": catalogue.models_for(host_of(alias)),
            }
            for alias in provider_aliases()
        ]
        return conditional(request, CatalogueSerializer({"providers": providers}).data)
