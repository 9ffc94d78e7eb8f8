"""The presets: how each known provider differs from the defaults in ``conf.Provider``. Plain data.

Every value may be overridden in ``SEEDANCE["PROVIDERS"][alias]`` under the same name.

Sources: "Hosts", "Rate limits" and "CometAPI specifics" in docs/provider.md, read 2026-11-22.
"""

from typing import Any

#: Published for Ark and BytePlus; a smaller account is answered with a rate limit, and then we slow down.
_ARK = {"LISTS": True, "CANCELS": True, "CREATE_PER_MINUTE": 600}

#: Preset -> its settings; what is not named has the default of ``conf.Provider``.
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
