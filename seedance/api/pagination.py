"""Pages that cost the same however deep they are."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Tasks by their time-ordered id, newest first."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    page_size_query_description = _("Tasks on a page: 1 to 200; 50 if nothing is said.")  # type: ignore[assignment]
    max_page_size = 200
    cursor_query_description = _("From the next or previous link of another page.")  # type: ignore[assignment]

    def get_page_size(self, request: Request) -> int:
        """How many tasks were asked for, 200 at most.

        Raises:
            ValidationError: it is not a number, or less than one.
        """
        given = request.query_params.get("page_size", str(self.page_size))
        if not (given.isascii() and given.isdigit() and given.strip("0") and len(given) < 10):
            raise ValidationError({"page_size": [_("This must be a whole number from 1 to 200.")]})
        return min(int(given), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Where to go on.

        Raises:
            ValidationError: the cursor is none of ours.
        """
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                UUID(str(cursor.position))
        except (NotFound, ValueError) as error:
            raise ValidationError({"cursor": [_("This cursor is none of ours.")]}) from error
        return cursor

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """The page in OpenAPI."""
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["required"] = ["next", "previous", "results"]
        for name in ("next", "previous"):
            page["properties"][name]["example"] = None
        return page
