"""What is known of each provider before anybody configures it. Plain data.

Every value may be overridden in ``SEEDANCE["PROVIDERS"][alias]`` under the same name.

Sources: "Hosts", "Rate limits" and "CometAPI specifics" in docs/provider.md, read 2026-11-22.
"""

from typing import Any

#: Values shared by all presets; a preset names only what differs.
COMMON: dict[str, Any] = {
    "DIALECT": "ark",
    "LISTS": False,
    "CANCELS": False,
    "CALLBACKS": True,
    "INLINE_FLAGS": False,
    "CONNECT_TIMEOUT": 5.0,
    "TIMEOUT": 60.0,
    "GET_TIMEOUT": 15.0,
    "FIRST_POLL_SECONDS": 10.0,
    "POLL_SECONDS": 8.0,
    "LIST_IDS": 100,
    # CometAPI publishes none: the strictest of Ark's, for an individual account and 2.x models.
    "CREATE_PER_MINUTE": 180,
    "GET_PER_SECOND": 20,
    "LIST_PER_SECOND": 1,
}

#: Published for Ark and BytePlus; a smaller account is told to slow down, and then we do.
_ARK = {"LISTS": True, "CANCELS": True, "CREATE_PER_MINUTE": 600}

PRESETS: dict[str, dict[str, Any]] = {
    # Documented there: model, text with inline flags, first and last frame. Whether other fields are
    # forwarded is not known, so parameters travel as the flags its own sample shows.
    "cometapi": {"BASE_URL": "https://api.cometapi.com/volc/v3", "INLINE_FLAGS": True},
    "cometapi-videos": {
        "BASE_URL": "https://api.cometapi.com/v1",
        "DIALECT": "openai_video",
        "CALLBACKS": False,
    },
    "ark": {"BASE_URL": "https://ark.cn-beijing.volces.com/api/v3", **_ARK},
    "byteplus": {"BASE_URL": "https://ark.ap-southeast.bytepluses.com/api/v3", **_ARK},
    "emulator": {
        "BASE_URL": "http://127.0.0.1:8765/api/v3",
        "API_KEY": "emulator",
        "LISTS": True,
        "CANCELS": True,
        "CREATE_PER_MINUTE": 0,
        "GET_PER_SECOND": 0,
        "LIST_PER_SECOND": 0,
        "FIRST_POLL_SECONDS": 1.0,
        "POLL_SECONDS": 2.0,
    },
}
