"""The admin of video tasks: its form, its verbs, and what may be deleted."""

from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import conf, health
from ..exceptions import TransitionError
from ..models import Callback, Cause, EventText, GenerationTask, Status, TaskEvent
from . import actions, continuing, provider_status, submission
from .detail import get_task_context
from .forms import ESTIMATE_BUTTON, SUBMIT_BUTTON, TaskForm
from .links import callbacks_url, page_url
from .media import MediaInline
from .pages import TaskPages
from .pricing import in_words
from .reconciling import AbsentForm, FoundForm

#: The form of a request that can still be written.
_WRITTEN = (
    (None, {"fields": ("provider", ("model_choice", "model_name"), "prompt")}),
    (_("Parameters"), {"fields": (("duration", "ratio", "resolution"), ("generate_audio", "seed"))}),
    (
        _("More parameters"),
        {
            "classes": ("collapse",),
            "fields": (
                ("camera_fixed", "watermark", "return_last_frame"),
                ("draft", "draft_task_id"),
                ("frames", "output_format", "omni_reference_task_type"),
                ("service_tier", "priority", "execution_expires_after"),
                "tools",
                "safety_identifier",
                "metadata",
            ),
        },
    ),
)

#: What was written, once it is history; parameters stand in the comparison with the result.
_READ = ("prompt", "model_name", "provider", "draft_task_id", "metadata")


#: Where a request carries the site's refusal to the form that shows it.
_REFUSED = "_seedance_refused"

_TOO_LATE = _(
    "The task was sent after this form was opened, perhaps by the form itself. Nothing was changed by this request; "
    "this is the task as it is."
)
_CHANGED = _(
    "The task was changed after this form was opened. Nothing was saved or sent by this request; this is the task as "
    "it is now."
)
_SENT_BEFORE = _("This form was sent before; this is the task it made. Nothing was made again.")
_SENT_BEFORE_UNSEEN = _("This form was sent before, and its task is there already. Nothing was made again.")


@admin.register(GenerationTask)
class GenerationTaskAdmin(TaskPages):
    """Operators write, submit, watch, re-poll, cancel, retry and delete tasks here.

    No request to the provider is made from a page; the verbs change rows and wake workers.
    """

    form = TaskForm
    action_form = submission.ActionForm
    inlines = (MediaInline,)
    actions = (
        actions.submit_selected,
        actions.sync_selected,
        actions.archive_selected,
        actions.cancel_selected,
        actions.retry_selected,
        actions.mark_seen_selected,
        actions.close_selected,
    )
    change_form_template = "seedance/admin/change_form.html"
    delete_confirmation_template = "seedance/admin/delete_confirmation.html"
    delete_selected_confirmation_template = "seedance/admin/delete_selected_confirmation.html"
    change_list_template = "seedance/admin/change_list.html"

    class Media:
        css = {"all": ("seedance/admin.css",)}
        js = ("seedance/admin.js",)

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Django's permission and the site's policy."""
        return super().has_view_permission(request, obj) and self._policy_allows(request, "view", obj)

    def has_change_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """What a person wrote can be changed until somebody asks to send it."""
        may_change = super().has_change_permission(request, obj) and self._policy_allows(request, "change", obj)
        return may_change and (obj is None or obj.status == Status.NEW)

    def has_delete_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Django's permission and the site's policy."""
        return super().has_delete_permission(request, obj) and self._policy_allows(request, "delete", obj)

    def _policy_allows(self, request: HttpRequest, verb: str, task: GenerationTask | None) -> bool:
        return task is None or task._state.adding or conf.policy().may(request.user, verb, task)

    def has_sync_permission(self, request: HttpRequest) -> bool:
        """Whether this person may have the provider asked."""
        return request.user.has_perm("seedance.sync_generationtask")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether this person may cancel tasks."""
        return request.user.has_perm("seedance.cancel_generationtask")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """A retry makes a task and sends it, so it takes both permissions."""
        return self.has_add_permission(request) and self.has_submit_permission(request)

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: GenerationTask | None = None) -> Any:
        """Fields to write in while that is possible, otherwise what was written."""
        if obj is None or self.has_change_permission(request, obj):
            return _WRITTEN
        return ((_("Request"), {"fields": [name for name in _READ if getattr(obj, name)]}),)

    def get_form(
        self, request: HttpRequest, obj: GenerationTask | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        """A page to read needs none of the choices that a page to write in has."""
        if obj is not None and not self.has_change_permission(request, obj):
            kwargs["form"] = ModelForm
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            cast(type[TaskForm], form).continued = self._continued(request)
            cast(type[TaskForm], form).made_before = self._made_before(request)
        if (refused := getattr(request, _REFUSED, None)) is not None:
            cast(type[TaskForm], form).refused = refused
        return form

    def get_inlines(self, request: HttpRequest, obj: GenerationTask | None) -> Any:
        """Media are edited with the request; afterwards the page shows them."""
        return self.inlines if obj is None or self.has_change_permission(request, obj) else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The provider and model this person used last, unless the address says otherwise."""
        if (old := self._continued(request)) is not None:
            return continuing.initial_of(old)
        last = GenerationTask.objects.filter(owner=request.user).values("provider", "model_name").first() or {}
        known = last if last.get("provider") in conf.provider_aliases() else {}
        return {**known, **super().get_changeform_initial_data(request)}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form; back to the task with the reason when it was sent meanwhile, or cannot be continued."""
        if SUBMIT_BUTTON in request.POST and not self.has_submit_permission(request):
            raise PermissionDenied
        try:
            self._require_new(request, object_id)
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            except ValidationError as error:  # the site refused while the row was written: nothing was
                setattr(request, _REFUSED, error)
                return super().changeform_view(request, object_id, form_url, extra_context)
        except submission.SentBefore as error:
            return self._sent_before(request, error.task)
        except TransitionError as error:
            self.message_user(request, str(error), messages.ERROR)
            task_id = object_id or continuing.asked_for(request)
            return HttpResponseRedirect(page_url(self.admin_site, "change", task_id))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: GenerationTask | None = None,
    ) -> Any:
        """Adds to Django's form what the page knows about the task."""
        form: TaskForm = context["adminform"].form
        context |= {
            "live_url": page_url(self.admin_site, "live"),
            "list_url": page_url(self.admin_site, "changelist"),
            "sees_cost": self.sees_cost(request),
            "may_submit": self.has_submit_permission(request),
            "blockers": provider_status.submit_blockers() if add else [],
            "asked": self._estimate_context(request, form),
            "continued": form.continued if add else None,
            "submission_key": self._form_key(request, form) if add else "",
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "is_written": add or (obj is not None and self.has_change_permission(request, obj)),
        }
        if obj is not None and change:
            context |= get_task_context(obj, self._offered(request, context), with_cost=self.sees_cost(request))
            context |= {"seen": submission.version_of(obj), "submission_key": submission.new_key()}
            # What came back with errors was typed into the version that its form showed.
            context["form_seen"] = request.POST.get(submission.SEEN) or context["seen"]
            context["reconcile_forms"] = self._reconcile_forms(request, obj)
            context["findings"] = () if obj.is_final else health.findings
            context |= self._next_links(request, obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    # Saving

    def save_model(self, request: HttpRequest, obj: GenerationTask, form: TaskForm, change: bool) -> None:
        """Store what ``intake.prepare`` made of the form: a new task, or changes to one that is still new."""
        if change:
            self._rewrite(request, obj, form)
        else:
            self._create(request, obj, form)
        self._tell(request, form)

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        """A new task was stored together with its media."""
        if change:
            super().save_related(request, form, formsets, change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The formsets of a new task were never saved by themselves, so they have nothing to tell."""
        return super().construct_change_message(request, form, [] if add else formsets, add)

    def response_add(self, request: HttpRequest, obj: GenerationTask, post_url_continue: str | None = None) -> Any:
        """On to the task's own page, where its progress and price are."""
        if "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: GenerationTask) -> Any:
        """Stay on the task's page."""
        return self._saved(request, obj)

    def back_to_task(self, request: HttpRequest, made: GenerationTask | None) -> HttpResponseBase | None:
        """After a verb on the page of one task: to that page, or to the task that was made from it."""
        chosen = request.POST.get(helpers.ACTION_CHECKBOX_NAME, "")
        return HttpResponseRedirect(page_url(self.admin_site, "change", made.pk if made else chosen))

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Tasks that may still cost money are protected, with the reason."""
        deletable, counts, lacking, protected = super().get_deleted_objects(objs, request)
        costly = [
            gettext("%(task)s is %(status)s and may still cost money; it can be deleted once it is final.")
            % {"task": task, "status": task.get_status_display()}
            for task in objs
            if task.may_cost
        ]
        # Callbacks cannot be deleted by themselves, but go with their task.
        return deletable, counts, lacking - {Callback._meta.verbose_name}, [*protected, *costly]

    def delete_model(self, request: HttpRequest, obj: GenerationTask) -> None:
        """Delete the row together with its files."""
        try:
            obj.erase()
        except TransitionError as error:
            self.message_user(request, f"{obj}: {error}", messages.ERROR)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete rows together with their files."""
        for task in queryset:
            self.delete_model(request, task)

    def _require_new(self, request: HttpRequest, object_id: str | None) -> None:
        """A form that was opened while the task was new may come back later; that is nobody's lack of permission."""
        if request.method != "POST" or object_id is None or not super().has_change_permission(request):
            return
        task = self.get_object(request, unquote(object_id))
        if task is not None and task.status != Status.NEW:
            raise TransitionError(str(_TOO_LATE))

    def _create(self, request: HttpRequest, obj: GenerationTask, form: TaskForm) -> None:
        make = partial(
            GenerationTask.objects.create_prepared,
            form.accepted,
            owner=request.user,
            submit=self._wants_submit(request, form),
            cause=Cause.ADMIN,
            note=form.note,
            id=obj.pk,
        )
        fingerprint = submission.fingerprint_of(request)
        created, is_new = submission.create_once(
            submission.key_of(request), request.user, make, fingerprint=fingerprint
        )
        if not is_new:
            raise submission.SentBefore(created)
        obj.__dict__.update(created.__dict__)

    def _made_before(self, request: HttpRequest) -> GenerationTask | None:
        """The task that this form has made already, from what stood in it then.

        Raises:
            SentBefore: the same stands in it now: the form was merely posted twice.
        """
        key = request.POST.get(submission.FIELD)
        made = submission.earlier(key, request.user) if key and request.method == "POST" else None
        is_same = made is not None and made.idempotency_fingerprint == submission.fingerprint_of(request)
        if made is not None and is_same and ESTIMATE_BUTTON not in request.POST:
            raise submission.SentBefore(made)
        return made

    def _form_key(self, request: HttpRequest, form: TaskForm) -> str:
        """The key for the form that is rendered: the one that came back with errors, unless it has made a task."""
        was_refused = form.made_before is not None and not form.is_estimate
        return submission.new_key() if was_refused else submission.key_of(request)

    def _sent_before(self, request: HttpRequest, task: GenerationTask) -> HttpResponseBase:
        if "_popup" in request.POST:
            return super().response_add(request, task)
        may_see = self.has_view_or_change_permission(request, task)
        self.message_user(request, str(_SENT_BEFORE if may_see else _SENT_BEFORE_UNSEEN), messages.WARNING)
        return HttpResponseRedirect(self._page_after(request, task))

    def _page_after(self, request: HttpRequest, task: GenerationTask) -> str:
        """The page of a task; for those who may only add, the next form."""
        if self.has_view_or_change_permission(request, task):
            return page_url(self.admin_site, "change", task.pk)
        return page_url(self.admin_site, "add")

    def _rewrite(self, request: HttpRequest, obj: GenerationTask, form: TaskForm) -> None:
        who = request.user.get_username()
        seen = submission.seen_at(request)
        rows = GenerationTask.objects.filter(pk=obj.pk, status=Status.NEW)
        # Locks the row until the changes are committed; of two forms that were opened at once, one is refused.
        if seen is not None and not rows.filter(updated_at=seen).update(updated_at=timezone.now()):
            raise TransitionError(str(_CHANGED if rows.exists() else _TOO_LATE))
        if not obj.amend(**form.columns()):
            raise TransitionError(str(_TOO_LATE))
        obj.note(TaskEvent.What.NOTE, cause=Cause.ADMIN, actor=who, detail=EventText("edited"))
        if self._wants_submit(request, form):
            GenerationTask.objects.filter(pk=obj.pk).submit(cause=Cause.ADMIN, actor=who)

    def _wants_submit(self, request: HttpRequest, form: TaskForm) -> bool:
        return SUBMIT_BUTTON in request.POST and not provider_status.submit_blocker(form.accepted.provider)

    def _saved(self, request: HttpRequest, obj: GenerationTask) -> HttpResponseBase:
        submitted = SUBMIT_BUTTON in request.POST
        if submitted and (blocker := provider_status.submit_blocker(obj.provider)):
            self.message_user(request, gettext("The task is saved, but not submitted. ") + blocker, messages.WARNING)
        elif submitted:
            self.message_user(request, gettext("The task is saved and will be sent."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("The task is saved. It is not sent yet."), messages.SUCCESS)
        return HttpResponseRedirect(self._page_after(request, obj))

    def _tell(self, request: HttpRequest, form: TaskForm) -> None:
        """Say what was lifted out of the prompt, what may be a mistake, and what it is expected to cost."""
        if lifted := form.lifted_in_words():
            self.message_user(request, lifted, messages.INFO)
        for warning in form.accepted.warnings:
            self.message_user(request, str(warning), messages.WARNING)
        if self.sees_cost(request) and (estimate := form.estimate):
            self.message_user(request, in_words(estimate), messages.INFO)

    def _offered(self, request: HttpRequest, context: dict[str, Any]) -> set[str]:
        """Names of the verbs on a task's page; where it can be written in, *Save and submit* is the way to send it."""
        return set(self.get_actions(request)) - ({"submit_selected"} if context["is_written"] else set())

    def _continued(self, request: HttpRequest) -> GenerationTask | None:
        """The task that the new one goes on from, if this person may see it."""
        task_id = continuing.asked_for(request)
        return None if task_id is None else self._task(request, task_id)

    def _next_links(self, request: HttpRequest, obj: GenerationTask) -> dict[str, str]:
        """Addresses that this person may go on to; empty where there is nothing."""
        may_continue = bool(obj.video) and self.has_add_permission(request)
        sees_callbacks = self.admin_site.is_registered(Callback) and request.user.has_perm("seedance.view_callback")
        return {
            "continue_url": continuing.form_url(self.admin_site, obj) if may_continue else "",
            "callbacks_url": callbacks_url(self.admin_site, obj) if sees_callbacks else "",
        }

    def _reconcile_forms(self, request: HttpRequest, obj: GenerationTask) -> dict[str, Any] | None:
        """The two ways out of *unconfirmed*, for those who may send."""
        if obj.status != Status.UNCONFIRMED or not self.has_submit_permission(request):
            return None
        seen = obj.submitted_at.isoformat() if obj.submitted_at else ""
        return {"found": FoundForm(), "absent": AbsentForm(), "seen": seen}

    def _estimate_context(self, request: HttpRequest, form: TaskForm) -> dict[str, Any] | None:
        """What the *Estimate* button shows; ``None`` when it was not pressed or there are errors."""
        if not (form.is_bound and form.is_estimate and self.sees_cost(request)) or form.estimate is None:
            return None
        return {
            "price": in_words(form.estimate),
            "lifted": form.lifted_in_words(),
            "warnings": [str(warning) for warning in form.accepted.warnings],
        }
