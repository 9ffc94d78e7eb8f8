"""Media of a request: images, videos and audio."""

from pathlib import PurePosixPath

from django.core import signing
from django.core.files.base import File
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..catalogue import MEDIA_ROLES
from ..conf import result_storage
from ..media.measure import SUFFIXES
from .databases import PrimaryQuerySet

#: How long a signed key is valid: the provider fetches an upload during the create call. Seconds.
KEY_LIFETIME = 6 * 3600
_SALT = "seedance.media"


def upload_path(item: "MediaItem", filename: str) -> str:
    """Where an upload is stored: under its task, with a suffix from the measured type.

    The sender's name is not used: an image that holds a script and is named ``x.html`` would be served as a page.
    """
    return f"seedance/inputs/{item.task_id}/{item.file_name}"


class MediaItemQuerySet(PrimaryQuerySet["MediaItem"]):
    """Lookup of an item by its signed key."""

    def by_signed_key(self, key: str) -> "MediaItem | None":
        """The item of a valid signed key; ``None`` for any other key."""
        try:
            pk = signing.loads(key, salt=_SALT, max_age=KEY_LIFETIME)
        except signing.BadSignature:
            return None
        return self.filter(pk=pk).first()


class MediaItem(models.Model):
    """One image, video or audio of a task, given as an address or as a file."""

    class Role(models.TextChoices):
        FIRST_FRAME = "first_frame", _("first frame")
        LAST_FRAME = "last_frame", _("last frame")
        REFERENCE_IMAGE = "reference_image", _("reference image")
        REFERENCE_VIDEO = "reference_video", _("reference video")
        REFERENCE_AUDIO = "reference_audio", _("reference audio")

    task = models.ForeignKey("seedance.GenerationTask", on_delete=models.CASCADE, related_name="media")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    role = models.CharField(_("role"), max_length=20, choices=Role)
    url = models.TextField(_("address"), blank=True, help_text=_("http(s), data: or asset:// address."))
    file = models.FileField(_("file"), upload_to=upload_path, storage=result_storage, blank=True, max_length=255)
    content_type = models.CharField(max_length=100, blank=True, editable=False)

    objects = MediaItemQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        ordering = ("position", "pk")
        verbose_name = _("media item")
        verbose_name_plural = _("media")
        constraints = (
            models.UniqueConstraint(fields=["task", "position"], name="seedance_media_position"),
            models.CheckConstraint(
                condition=models.Q(url="") ^ models.Q(file=""),
                name="seedance_media_url_or_file",
                violation_error_message=_("Give either an address or a file."),
            ),
        )

    def __str__(self) -> str:
        return self.get_role_display()

    @property
    def kind(self) -> str:
        """``image``, ``video`` or ``audio``."""
        return MEDIA_ROLES[self.role]

    @property
    def file_name(self) -> str:
        """A name for the uploaded file made of its position and type only."""
        return f"{self.position}{SUFFIXES.get(self.content_type, '')}"

    def signed_key(self) -> str:
        """A key that gives access to this item's file only, valid for ``KEY_LIFETIME``."""
        return signing.dumps(self.pk, salt=_SALT)

    def store_file(self) -> bool:
        """Store a new file now, before the row is saved.

        Returns:
            False when there is none, or it is stored already.
        """
        if not self.file or getattr(self.file, "_committed", True):
            return False
        self.file.save(str(self.file.name), self.file.file, save=False)
        return True

    def copy_of_file(self) -> File | None:
        """The uploaded file as a new file for another item; ``None`` when this one is an address."""
        return File(self.file.open("rb"), name=PurePosixPath(self.file.name).name) if self.file.name else None
