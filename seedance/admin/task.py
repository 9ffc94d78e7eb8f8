"""The admin of video tasks: form, saving, deleting."""

from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import conf, health
from ..catalogue import PARAMETERS
from ..exceptions import TransitionError
from ..models import Callback, Cause, EventText, GenerationTask, Status, TaskEvent, chaining
from . import actions, presentation, submission
from .detail import Verb, get_task_context, possible_verbs
from .forms import ESTIMATE_BUTTON, SUBMIT_BUTTON, LinkForm, ResubmitForm, TaskForm
from .media import MediaInline
from .pages import TaskPages
from .presentation import page_url


def _written() -> Any:
    """The form of a request that can still be written: the parameters in their order, three in a row."""
    common = [name for name, parameter in PARAMETERS.items() if parameter.is_common]
    others = [name for name in PARAMETERS if name not in common]
    return (
        (None, {"fields": ("provider", ("model_choice", "model_name"), "prompt")}),
        (_("Parameters"), {"fields": _rows(common)}),
        (_("More parameters"), {"classes": ("collapse",), "fields": (*_rows(others), "draft_task_id", "metadata")}),
    )


def _rows(names: list[str]) -> list[tuple[str, ...]]:
    return [tuple(names[start : start + 3]) for start in range(0, len(names), 3)]


#: Fields afterwards; the page shows the parameters beside those of the result.
_READ = ("prompt", "model_name", "provider", "draft_task_id", "metadata")

#: Attribute of the request with the error of a site that refused to store the task.
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
    """Operators create, edit, submit, watch, re-poll, cancel, retry and delete tasks here.

    No view calls the provider; it changes rows and wakes workers.
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

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: GenerationTask | None = None) -> Any:
        """Editable fields while the task is new, otherwise the request as it was."""
        if obj is None or self.has_change_permission(request, obj):
            return _written()
        return ((_("Request"), {"fields": [name for name in _READ if getattr(obj, name)]}),)

    def get_form(
        self, request: HttpRequest, obj: GenerationTask | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        """The full form only where it can be edited."""
        if obj is not None and not self.has_change_permission(request, obj):
            kwargs["form"] = ModelForm
        if "fields" in kwargs:  # the form makes the fields of the parameters itself
            kwargs["fields"] = [name for name in kwargs["fields"] if name not in PARAMETERS]
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            cast(type[TaskForm], form).continued = self._continued(request)
            cast(type[TaskForm], form).earlier_task = self._earlier_task(request)
        if (refused := getattr(request, _REFUSED, None)) is not None:
            cast(type[TaskForm], form).refused = refused
        return form

    def get_inlines(self, request: HttpRequest, obj: GenerationTask | None) -> Any:
        """Media can be edited as long as the request; afterwards the page shows them."""
        return self.inlines if obj is None or self.has_change_permission(request, obj) else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The provider and model that the user used last, unless the query string says otherwise."""
        if (old := self._continued(request)) is not None:
            prepared = chaining.prepare(old).prepared
            return {
                "provider": prepared.provider,
                "model_name": prepared.inputs.model_name,
                **prepared.inputs.given(),
            }
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
        """The form; redirects to the task with a message if it was sent meanwhile, or cannot be continued."""
        if SUBMIT_BUTTON in request.POST:
            self._require_submit_permission(request, object_id)
        try:
            self._require_new(request, object_id)
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            except ValidationError as error:  # the site refused to store it, and nothing was written
                setattr(request, _REFUSED, error)
                return super().changeform_view(request, object_id, form_url, extra_context)
        except submission.AlreadySubmitted as error:
            return self._already_submitted(request, error.task)
        except TransitionError as error:
            self.message_user(request, str(error), messages.ERROR)
            task_id = object_id or submission.continued_id(request)
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
        """Add the context of our templates."""
        form: TaskForm = context["adminform"].form
        context |= {
            "live_url": page_url(self.admin_site, "live"),
            "list_url": page_url(self.admin_site, "changelist"),
            "sees_cost": self.has_view_cost_permission(request, obj),
            "may_submit": self.has_submit_permission(request, obj),
            "blockers": presentation.submit_blockers() if add else [],
            "estimate_result": self._estimate_context(request, form, obj),
            "continued": form.continued if add else None,
            "submission_key": self._form_key(request, form) if add else "",
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "is_editable": add or (obj is not None and self.has_change_permission(request, obj)),
        }
        if obj is not None and change:
            context |= get_task_context(
                obj, self._verbs(request, obj, context["is_editable"]), with_cost=context["sees_cost"]
            )
            context |= {"seen": submission.version_of(obj), "submission_key": submission.new_key()}
            # A form with errors was filled in for the version that it was opened with.
            context["form_seen"] = request.POST.get(submission.SEEN) or context["seen"]
            context["reconcile_forms"] = self._reconcile_forms(request, obj)
            context["findings"] = () if obj.is_final else health.findings
            context |= self._next_links(request, obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    # Saving

    def save_model(self, request: HttpRequest, obj: GenerationTask, form: TaskForm, change: bool) -> None:
        """Store the prepared request: as a new task, or as changes to one that is still new."""
        if change:
            self._update(request, obj, form)
        else:
            self._create(request, obj, form)
        self._report(request, obj, form)

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        """Nothing for a new task, which was stored together with its media."""
        if change:
            super().save_related(request, form, formsets, change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Without the formsets of a new task, which were not saved by themselves."""
        return super().construct_change_message(request, form, [] if add else formsets, add)

    def response_add(self, request: HttpRequest, obj: GenerationTask, post_url_continue: str | None = None) -> Any:
        """Redirect to the task's page."""
        if "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self._redirect_saved(request, obj)

    def response_change(self, request: HttpRequest, obj: GenerationTask) -> Any:
        """Redirect to the task's page."""
        return self._redirect_saved(request, obj)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Protect tasks that may still cost money, with the reason."""
        deletable, counts, lacking, protected = super().get_deleted_objects(objs, request)
        costly = [
            gettext("%(task)s is %(status)s and may still cost money; it can be deleted once it is final.")
            % {"task": task, "status": task.get_status_display()}
            for task in objs
            if task.may_cost
        ]
        # Callbacks cannot be deleted alone, but are deleted with their task.
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
        """Refuse a form that was opened while the task was new and is posted later: not for lack of permission."""
        if request.method != "POST" or object_id is None or not super().has_change_permission(request):
            return
        task = self.get_object(request, unquote(object_id))
        if task is not None and task.status != Status.NEW:
            raise TransitionError(str(_TOO_LATE))

    def _create(self, request: HttpRequest, obj: GenerationTask, form: TaskForm) -> None:
        create = partial(
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
            submission.key_of(request), request.user, create, fingerprint=fingerprint
        )
        if not is_new:
            raise submission.AlreadySubmitted(created)
        obj.__dict__.update(created.__dict__)

    def _earlier_task(self, request: HttpRequest) -> GenerationTask | None:
        """The task that this form has created before with other content, if any.

        Raises:
            AlreadySubmitted: the content is the same: the form was posted twice.
        """
        key = request.POST.get(submission.FIELD)
        task = submission.find_earlier(key, request.user) if key and request.method == "POST" else None
        is_same = task is not None and task.idempotency_fingerprint == submission.fingerprint_of(request)
        if task is not None and is_same and ESTIMATE_BUTTON not in request.POST:
            raise submission.AlreadySubmitted(task)
        return task

    def _form_key(self, request: HttpRequest, form: TaskForm) -> str:
        """The key of the form to render: the posted one after errors, a new one once that has created a task."""
        was_refused = form.earlier_task is not None and not form.is_estimate
        return submission.new_key() if was_refused else submission.key_of(request)

    def _already_submitted(self, request: HttpRequest, task: GenerationTask) -> HttpResponseBase:
        if "_popup" in request.POST:
            return super().response_add(request, task)
        may_view = self.has_view_or_change_permission(request, task)
        self.message_user(request, str(_SENT_BEFORE if may_view else _SENT_BEFORE_UNSEEN), messages.WARNING)
        return HttpResponseRedirect(self._page_after(request, task))

    def _page_after(self, request: HttpRequest, task: GenerationTask) -> str:
        """The page of a task; an empty form for users who may only add."""
        if self.has_view_or_change_permission(request, task):
            return page_url(self.admin_site, "change", task.pk)
        return page_url(self.admin_site, "add")

    def _update(self, request: HttpRequest, obj: GenerationTask, form: TaskForm) -> None:
        who = request.user.get_username()
        seen = submission.seen_at(request)
        rows = GenerationTask.objects.filter(pk=obj.pk, status=Status.NEW)
        # The update locks the row until the commit; of two forms with the same version, one is refused.
        if seen is not None and not rows.filter(updated_at=seen).update(updated_at=timezone.now()):
            raise TransitionError(str(_CHANGED if rows.exists() else _TOO_LATE))
        if not obj.amend(**form.columns()):
            raise TransitionError(str(_TOO_LATE))
        obj.note(TaskEvent.What.NOTE, cause=Cause.ADMIN, actor=who, detail=EventText("edited"))
        if self._wants_submit(request, form):
            GenerationTask.objects.filter(pk=obj.pk).submit(cause=Cause.ADMIN, actor=who)

    def _wants_submit(self, request: HttpRequest, form: TaskForm) -> bool:
        return SUBMIT_BUTTON in request.POST and not presentation.submit_blocker(form.accepted.provider)

    def _redirect_saved(self, request: HttpRequest, obj: GenerationTask) -> HttpResponseBase:
        submitted = SUBMIT_BUTTON in request.POST
        if submitted and (blocker := presentation.submit_blocker(obj.provider)):
            self.message_user(request, gettext("The task is saved, but not submitted. ") + blocker, messages.WARNING)
        elif submitted:
            self.message_user(request, gettext("The task is saved and will be sent."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("The task is saved. It is not sent yet."), messages.SUCCESS)
        return HttpResponseRedirect(self._page_after(request, obj))

    def _report(self, request: HttpRequest, obj: GenerationTask, form: TaskForm) -> None:
        """Messages: flags taken out of the prompt, warnings, the estimated price."""
        if lifted := form.describe_lifted():
            self.message_user(request, lifted, messages.INFO)
        for warning in form.accepted.warnings:
            self.message_user(request, str(warning), messages.WARNING)
        if self.has_view_cost_permission(request, obj) and (estimate := form.estimate):
            self.message_user(request, presentation.describe_estimate(estimate), messages.INFO)

    def _require_submit_permission(self, request: HttpRequest, object_id: str | None) -> None:
        task = None if object_id is None else self.get_object(request, unquote(object_id))
        if not self.has_submit_permission(request, task):
            raise PermissionDenied

    def _verbs(self, request: HttpRequest, obj: GenerationTask, is_editable: bool) -> list[Verb]:
        """The buttons that this user has for a task. An editable one is sent by *Save and submit*."""
        offered = set(self.get_actions(request)) - ({"submit_selected"} if is_editable else set())
        return [
            verb
            for verb in possible_verbs(obj)
            if verb.action in offered and getattr(self, f"has_{verb.permission}_permission")(request, obj)
        ]

    def _continued(self, request: HttpRequest) -> GenerationTask | None:
        """The task to continue from, if the form has one."""
        task_id = submission.continued_id(request)
        return None if task_id is None else self._task(request, task_id)

    def _next_links(self, request: HttpRequest, obj: GenerationTask) -> dict[str, str]:
        """The URLs of further pages; empty for what the task lacks or the user may not see."""
        continue_url = callbacks_url = ""
        if obj.video and self.has_add_permission(request):
            query = urlencode({submission.CONTINUE_FROM: str(obj.pk)})
            continue_url = f"{page_url(self.admin_site, 'add')}?{query}"
        if self.admin_site.is_registered(Callback) and request.user.has_perm("seedance.view_callback"):
            listed = reverse("admin:seedance_callback_changelist", current_app=self.admin_site.name)
            callbacks_url = f"{listed}?{urlencode({'task__id__exact': str(obj.pk)})}"
        return {"continue_url": continue_url, "callbacks_url": callbacks_url}

    def _reconcile_forms(self, request: HttpRequest, obj: GenerationTask) -> dict[str, Any] | None:
        """The two forms for an unconfirmed task, for users who may submit it."""
        if obj.status != Status.UNCONFIRMED or not self.has_submit_permission(request, obj):
            return None
        seen = obj.submitted_at.isoformat() if obj.submitted_at else ""
        return {"link": LinkForm(), "resubmit": ResubmitForm(), "seen": seen}

    def _estimate_context(
        self, request: HttpRequest, form: TaskForm, obj: GenerationTask | None
    ) -> dict[str, Any] | None:
        """The result of the *Estimate* button; ``None`` when it was not pressed or the form has errors."""
        is_shown = form.is_bound and form.is_estimate and self.has_view_cost_permission(request, obj)
        if not is_shown or form.estimate is None:
            return None
        return {
            "price": presentation.describe_estimate(form.estimate),
            "lifted": form.describe_lifted(),
            "warnings": [str(warning) for warning in form.accepted.warnings],
        }
