"""Translate rows to requests, and remote tasks to columns; the only module that knows both."""

import datetime as dt
import mimetypes
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils import timezone

from . import conf
from .catalogue import current_catalogue, host_of, lower_flags
from .exceptions import ConfigurationError
from .models import GenerationTask, MediaItem
from .provider.types import ContentPart, RemoteTask, TaskRequest, Upload

#: Media types by the name the provider documents for them in data URIs.
_DOCUMENTED_NAMES = {"audio/mpeg": "audio/mp3", "audio/x-wav": "audio/wav"}
#: How long a provider's link is valid when the link itself does not say. Source: "Status machine and lifetimes".
LINK_LIFETIME = dt.timedelta(hours=24)
#: When a provider gives up on a task that did not say otherwise. Same source.
DEFAULT_EXPIRES_AFTER = 172_800

#: A larger difference between a create and its record at the provider is clock skew.
CLOCK_SLACK = dt.timedelta(minutes=10)

_CONTENT_TYPES = {"image": "image_url", "video": "video_url", "audio": "audio_url"}
#: Signed links: names of their time of signing and their lifetime in seconds, by signing scheme.
_SIGNATURES = (("X-Tos-Date", "X-Tos-Expires"), ("X-Amz-Date", "X-Amz-Expires"))


def to_request(task: GenerationTask, provider: conf.Provider) -> TaskRequest:
    """What the provider is asked for this task; text first, then media in order."""
    parameters = dict(task.parameters)
    prompt = task.prompt
    if provider.DIALECT == "openai_video":
        parameters |= _exact_size(task, provider)
    if provider.INLINE_FLAGS:
        suffix, parameters = lower_flags(parameters)
        prompt = " ".join(filter(None, (prompt, suffix)))
    if task.draft_task_id:
        content = [ContentPart("draft_task", task.draft_task_id)]
    else:
        content = [ContentPart("text", prompt)] if prompt else []
        content += [_content_part(item) for item in task.media.all()]
    return TaskRequest(
        model_name=task.model_name,
        content=tuple(content),
        parameters=parameters,
        callback_url=callback_url(task) if provider.CALLBACKS else "",
    )


def callback_url(task: GenerationTask) -> str:
    """Where the provider may call us about this task; ``""`` while this site has no public address for it."""
    return _public_url("seedance:callback", task.callback_token)


def _public_url(name: str, argument: str) -> str:
    public_url = conf.settings().PUBLIC_URL.rstrip("/")
    if not public_url:
        return ""
    try:
        path = reverse(name, args=[argument])
    except NoReverseMatch:
        return ""  # the site does not include our URLs
    path = path.removeprefix(get_script_prefix().rstrip("/"))  # thread-local, and set only in requests
    prefix = conf.script_prefix()
    if urlsplit(public_url).path.endswith(prefix):
        prefix = ""  # PUBLIC_URL holds it already
    return public_url + prefix + path


def _exact_size(task: GenerationTask, provider: conf.Provider) -> dict[str, Any]:
    """Width and height in pixels, which newer revisions of that dialect want, where they follow from the fields."""
    host = host_of(provider.alias)
    row = current_catalogue().find(task.model_name, host)
    resolution, ratio = task.parameters.get("resolution"), task.parameters.get("ratio")
    size = row.size(resolution, ratio) if row and resolution and ratio else None
    return {"size": f"{size[0]}x{size[1]}"} if size else {}


def _content_part(item: MediaItem) -> ContentPart:
    # The provider takes images and sounds inside the request, but fetches videos itself.
    if item.url or item.kind == "video":
        return ContentPart(_CONTENT_TYPES[item.kind], item.url or public_media_url(item), item.role)
    return ContentPart(_CONTENT_TYPES[item.kind], role=item.role, upload=_upload(item))


def public_media_url(item: MediaItem) -> str:
    """An address of this site, signed and good for some hours, at which the provider may fetch an upload.

    Raises:
        ConfigurationError: the site has no public address.
    """
    url = _public_url("seedance:media", item.signed_key())
    if not url:
        raise ConfigurationError('An uploaded video needs SEEDANCE["PUBLIC_URL"], where the provider can fetch it.')
    return url


def _upload(item: MediaItem) -> Upload:
    content_type = item.content_type or mimetypes.guess_type(item.file.name or "")[0] or "application/octet-stream"
    return Upload(_DOCUMENTED_NAMES.get(content_type, content_type), partial(item.file.open, "rb"))


def changes_from(task: GenerationTask, remote: RemoteTask) -> dict[str, Any]:
    """The columns that a remote task fills, whatever its status; what it does not report is left out."""
    changes: dict[str, Any] = {"raw": dict(remote.raw)}
    reported = {
        "provider_created_at": remote.created_at,
        "provider_updated_at": remote.updated_at,
        "total_tokens": remote.total_tokens,
        "request_id": remote.request_id[:128],
        "result": dict(remote.result) if remote.status == "succeeded" else None,
    }
    changes |= {name: value for name, value in reported.items() if value not in (None, "")}
    if remote.video_url:
        changes |= link_changes(task, remote)
    if remote.status in ("failed", "expired", "cancelled"):
        changes |= {"error_code": remote.error_code[:128], "error_message": remote.error_message}
    return changes


def link_changes(task: GenerationTask, remote: RemoteTask) -> dict[str, Any]:
    """The columns that hold the provider's links and when they expire, by our clock."""
    expires = _link_expiry(remote.video_url)
    if expires is None and remote.updated_at:
        expires = remote.updated_at + LINK_LIFETIME
    return {
        "video_url": remote.video_url,
        "last_frame_url": remote.last_frame_url,
        "link_downloads": task.link_downloads if remote.video_url == task.video_url else 0,
        "video_url_expires_at": expires + _clock_skew(task, remote) if expires else timezone.now() + LINK_LIFETIME,
    }


def _link_expiry(url: str) -> dt.datetime | None:
    """When a signed link expires, read from the link; ``None`` when it does not say."""
    query = parse_qs(urlsplit(url).query)
    for signed_at, lifetime in _SIGNATURES:
        try:
            start = dt.datetime.strptime(query[signed_at][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
            return start + dt.timedelta(seconds=int(query[lifetime][0]))
        except (KeyError, ValueError, OverflowError):
            continue
    return None


def deadline(task: GenerationTask, remote: RemoteTask | None = None) -> dt.datetime:
    """When the provider gives up on this task, by our clock and as far as it is known."""
    start = task.submitted_at or (remote and remote.created_at) or timezone.now()
    asked = task.parameters.get("execution_expires_after")
    seconds = (remote and remote.expires_after) or asked or DEFAULT_EXPIRES_AFTER
    return start + dt.timedelta(seconds=min(seconds, 30 * 86_400))


def _clock_skew(task: GenerationTask, remote: RemoteTask) -> dt.timedelta:
    """How far the provider's clock is behind ours; zero while the difference may be the duration of the request."""
    if not task.submitted_at or not remote.created_at:
        return dt.timedelta(0)
    skew = task.submitted_at - remote.created_at
    return skew if abs(skew) > CLOCK_SLACK else dt.timedelta(0)
