"""The result files of a task in the storage, and files of interrupted workers that no row names."""

import contextlib
import logging
import os
import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from django.core.files.storage import Storage

if TYPE_CHECKING:
    from .task import GenerationTask

logger = logging.getLogger(__name__)

#: Names of the columns that hold result files.
RESULT_FILES = ("video", "poster", "last_frame")


@dataclass(frozen=True)
class ResultDirectory:
    """The directory of one task's result files; it may exist without the row."""

    storage: Storage
    path: str
    #: The prefix of the names of the task's own files.
    prefix: str

    @classmethod
    def of(cls, task: "GenerationTask") -> Self:
        """The directory of a task's result files."""
        name = task.video.field.generate_filename(task, f"{task.pk}")
        return cls(task.video.storage, posixpath.dirname(name), f"{task.pk}")

    def leftovers(self, named: Collection[str] = ()) -> list[str]:
        """The task's files here that are not ``named``, such as those of a worker that was killed. Raises nothing.

        Where ``upload_to`` puts many tasks into one directory, or the storage cannot list, there are none.
        """
        if self.prefix not in self.path:
            return []
        try:
            files = self.storage.listdir(self.path)[1]
        except Exception as exc:  # storages are pluggable, and so are their errors
            if not isinstance(exc, (FileNotFoundError, NotImplementedError)):
                logger.warning("leftovers not listed directory=%s error=%s", self.path, type(exc).__name__)
            return []
        names = (posixpath.join(self.path, file) for file in files if file.startswith(self.prefix))
        return [name for name in names if name not in named]

    def delete(self) -> None:
        """Delete all of the task's files here, and the directory where the storage has real ones. Raises nothing."""
        for name in self.leftovers():
            delete_file(self.storage, name)
        self._remove_empty()

    def _remove_empty(self) -> None:
        with contextlib.suppress(OSError, NotImplementedError):
            os.rmdir(self.storage.path(self.path))


def delete_file(storage: Storage, name: str) -> bool:
    """Delete a stored file. False, and a line in the log, when the storage fails."""
    try:
        storage.delete(name)
    except Exception as exc:  # storages are pluggable, and so are their errors
        logger.warning("file not deleted name=%s error=%s", name, type(exc).__name__)
        return False
    return True
