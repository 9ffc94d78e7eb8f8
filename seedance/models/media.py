"""What a person gave besides the prompt: images, videos and sounds."""

from pathlib import PurePosixPath

from django.core import signing
from django.core.files.base import File
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..catalogue import MEDIA_ROLES
from ..conf import result_storage
from ..media.measure import SUFFIXES
from .databases import PrimaryQuerySet

#: How long a provider may fetch an upload; it does so while it answers the create call. Seconds.
KEY_LIFETIME = 6 * 3600
_SALT = "seedance.media"


def upload_path(item: "MediaItem", filename: str) -> str:
    """Where an upload is kept: below its task, under a name of ours. The suffix is that of what was measured.

    Never the sender's: a picture with a script behind it, named ``x.html``, would be a page where media are served.
    """
    return f"seedance/inputs/{item.task_id}/{item.file_name}"


class MediaItemQuerySet(PrimaryQuerySet["MediaItem"]):
    """Finding an item by what was given out for it."""

    def by_signed_key(self, key: str) -> "MediaItem | None":
        """The item behind a key that we signed and that has not expired; ``None`` for anything else."""
        try:
            pk = signing.loads(key, salt=_SALT, max_age=KEY_LIFETIME)
        except signing.BadSignature:
            return None
        return self.filter(pk=pk).first()


class MediaItem(models.Model):
    """One image, video or sound of a task, given as an address or as a file."""

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
        """A name for the uploaded file that tells its place and type, and nothing of the sender or the storage."""
        return f"{self.position}{SUFFIXES.get(self.content_type, '')}"

    def signed_key(self) -> str:
        """A word that opens this item's file, and nothing else, until ``KEY_LIFETIME`` is over."""
        return signing.dumps(self.pk, salt=_SALT)

    def store_file(self) -> bool:
        """Put a new file into the storage now, not when the row is saved.

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
