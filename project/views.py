"""The front page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from seedance import conf
from seedance.models import Attention, GenerationTask
from seedance.models.status import Status

NEWEST_VIDEOS = 24
NEWEST_UNFINISHED = 20


def landing(request: HttpRequest) -> HttpResponse:
    """A welcome page for anonymous visitors; for users, the newest videos and unfinished tasks that they may see."""
    if not request.user.is_authenticated:
        return render(request, "project/welcome.html")
    tasks = conf.policy().visible(request.user, GenerationTask.objects.all())
    videos = tasks.filter(status=Status.SUCCEEDED, archived_at__isnull=False).exclude(video="")
    unfinished = list(tasks.active().exclude(status=Status.NEW)[:NEWEST_UNFINISHED])
    return render(
        request,
        "project/videos.html",
        {
            "videos": videos[:NEWEST_VIDEOS],
            "unfinished": unfinished,
            # Tasks that the provider has lost are polled too rarely to wait for.
            "refreshes": any(task.standing_attention != Attention.GONE for task in unfinished),
        },
    )
