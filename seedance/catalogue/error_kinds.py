"""The table of error kinds. The texts are here and not in a data file: gettext collects sentences from Python alone.

Source: "Errors" and "CometAPI specifics" in docs/provider.md, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from .violations import Text


@dataclass(frozen=True)
class Cause:
    """One thing that may have led to an error, and what helps against it."""

    #: A stable word for programs.
    name: str
    meaning: Text
    remedy: Text


@dataclass(frozen=True)
class ErrorKind:
    """One kind of trouble. ``meaning`` and ``advice`` are one or two sentences each, translated when they are read."""

    #: Every code of this kind, the one to name it by first. What continues one of them behind a dot belongs to it too.
    codes: tuple[str, ...]
    meaning: Text
    #: What the operator should do.
    advice: Text
    #: ``no``, ``yes``, or ``unknown`` where hosts differ or nobody can tell.
    billed: str
    #: ``no``: it would fail again; ``later``: it may pass by itself; ``operator``: somebody must mend something first.
    retry: str
    #: HTTP statuses it comes with; none for our own.
    statuses: tuple[int, ...] = ()
    #: Whether an answer with one of its statuses and no code at all is of this kind.
    speaks_for_status: bool = False
    #: What is not sent to any more, until a person resumes it, once a create call was refused like this: ``account``,
    #: ``model`` (that one of that account), or ``none``.
    pauses: str = "none"
    #: What leads to it, the likeliest first, where the provider says so.
    causes: tuple[Cause, ...] = ()

    @property
    def name(self) -> str:
        """The code to call it by."""
        return self.codes[0]


_SUBJECTS = ("Text", "Image", "Video", "Audio")


def _moderated(stage: str, suffix: str = "", subjects: tuple[str, ...] = _SUBJECTS) -> tuple[str, ...]:
    return tuple(f"{stage}{subject}SensitiveContentDetected{suffix}" for subject in subjects)


def _at_risk(stage: str) -> tuple[str, ...]:
    return tuple(f"{stage}{subject}RiskDetection" for subject in _SUBJECTS)


#: Source: the error book of volcengine/ark-cli (``arkcli-doctor``, 2026-07-01), in its order.
_COPYRIGHT_CAUSES = (
    Cause(
        "named",
        _("The prompt names a brand, a character or a star."),
        _("Describe what is meant without the name."),
    ),
    Cause(
        "music",
        _("The model added music by itself that sounds like somebody's."),
        _("Send it again with “generate_audio” set to false."),
    ),
    Cause(
        "invented_face",
        _("The model invented a face that looks like somebody's."),
        _("Make a face with an image model and give it as a reference."),
    ),
    Cause(
        "small_face",
        _("A face in a reference is small, or mixed with others."),
        _("Crop the reference to the one face."),
    ),
)

KINDS: tuple[ErrorKind, ...] = (
    # -- the request is wrong ------------------------------------------------------------------------------------------
    ErrorKind(
        ("MissingParameter",),
        _("The provider misses a value in the request; the part behind the dot names it."),
        _("Add the value and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("InvalidParameter",),
        _("The provider refused a value of the request; its message names the field."),
        _("Correct the value and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("InvalidParameter.UnsupportedParameter",),
        _("The model does not take one of the parameters."),
        _("Leave the parameter out, or choose a model that takes it."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("InvalidParameter.TaskTypeConstraint", "InvalidParameter.TaskTypeMismatch"),
        _("The model took the prompt for an edit or an extension, and the request breaks the rules of those."),
        _(
            "Say which one is meant in “omni_reference_task_type”, leave the ratio to “adaptive”, and for an edit "
            "the duration to -1."
        ),
        billed="unknown",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("InvalidParameter.TosURLInvalid", "InvalidImageURL"),
        _("The provider could not use the address of a medium."),
        _("Open the address from outside of your network; it must lead to the file itself. Or upload the file."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("RequestBodyTooLarge",),
        _("The request is larger than the provider takes; uploaded files are part of it."),
        _("Use smaller files, or give their addresses instead."),
        billed="no",
        retry="no",
        statuses=(413,),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("invalid_request",),
        _("The relay refused the request as wrong, whatever HTTP status it chose to say so."),
        _("Read its message, correct the request and send a new task."),
        billed="no",
        retry="no",
        statuses=(400, 500),
    ),
    ErrorKind(
        ("convert_request_failed",),
        _("The relay could not turn the request into one of the host behind it, and sent nothing there."),
        _("Leave out what its message names, or choose a model or a provider that takes it."),
        billed="no",
        retry="no",
        statuses=(400, 500),
    ),
    ErrorKind(
        ("json_parse_error",),
        _("The relay could not read the JSON that it was sent: its Ark-shaped route is withdrawn or out of order."),
        _("Try the preset cometapi-videos; it speaks to the relay's other route."),
        billed="no",
        retry="operator",
        statuses=(400, 500),
    ),
    # -- moderation ----------------------------------------------------------------------------------------------------
    ErrorKind(
        ("SensitiveContentDetected",),
        _("The provider's moderation refused the request."),
        _("Change the prompt or the media and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("SensitiveContentDetected.SevereViolation",),
        _("The provider's moderation refused the request as a severe violation."),
        _("Do not send it again: an account that repeats such requests may be closed. Change what is asked for."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("SensitiveContentDetected.Violence",),
        _("The provider's moderation refused the request because of violence."),
        _("Tone the prompt or the media down and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Input"),
        _("The provider's moderation refused the prompt or a medium; the code says which."),
        _("Change that input and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Input", ".PolicyViolation"),
        _("The provider sees somebody's copyright in the prompt or a medium."),
        _("Leave out the protected names, characters or pictures and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Input", ".PrivacyInformation"),
        _("The provider sees a real person in the prompt or a medium; the 2.x models refuse real faces."),
        _(
            "Use a face that is not real, an authorised asset:// medium, or a video that this account made in the "
            "last 30 days."
        ),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Input", ".DeepFake"),
        _("The provider sees an imitation of a real person in the prompt or a medium."),
        _("Use other media and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Output"),
        _("The provider's moderation refused the finished video or its sound."),
        _("A changed prompt or another seed may pass; send a new task."),
        billed="unknown",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("OutputVideoSensitiveContentDetected.PolicyViolation",),
        _("The provider sees somebody's copyright in the finished video."),
        _("Leave out what may have led to it, the likeliest cause first, and send a new task."),
        billed="unknown",
        retry="no",
        statuses=(400,),
        causes=_COPYRIGHT_CAUSES,
    ),
    ErrorKind(
        _moderated("Output", ".PolicyViolation", ("Text", "Image", "Audio")),
        _("The provider sees somebody's copyright in what it made."),
        _("Leave out what may have led to it and send a new task."),
        billed="unknown",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Output", ".PrivacyInformation"),
        _("The provider sees a real person in the finished video."),
        _("Describe somebody who does not exist and send a new task."),
        billed="unknown",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _moderated("Output", ".DeepFake"),
        _("The provider sees an imitation of a real person in the finished video."),
        _("Change the prompt or the media and send a new task."),
        billed="unknown",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _at_risk("Input"),
        _("The provider's risk control refused the prompt or a medium."),
        _("Change that input and send a new task."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        _at_risk("Output"),
        _("The provider's risk control refused the finished video."),
        _("A changed prompt may pass; send a new task."),
        billed="unknown",
        retry="no",
        statuses=(400,),
    ),
    ErrorKind(
        ("ContentSecurityDetectionError",),
        _("The provider's moderation itself failed."),
        _("Retry in a few minutes."),
        billed="unknown",
        retry="later",
        statuses=(400,),
    ),
    # -- the account ---------------------------------------------------------------------------------------------------
    ErrorKind(
        ("AuthenticationError",),
        _("The provider did not accept the API key: it is missing, wrong, or belongs to another region."),
        _("Check the key and the address it is sent to, then resume the account and retry."),
        billed="no",
        retry="operator",
        statuses=(401,),
        speaks_for_status=True,
        pauses="account",
    ),
    ErrorKind(
        ("InvalidAccountStatus",),
        _("The provider's account cannot be used at present."),
        _("See the provider's console, then resume the account and retry."),
        billed="no",
        retry="operator",
        statuses=(401,),
        pauses="account",
    ),
    ErrorKind(
        ("AccessDenied",),
        _("The API key may not do this."),
        _("Check the rights of the key in the provider's console, then resume the model and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("AccountOverdueError",),
        _("The provider's account has an unpaid balance."),
        _("Pay or top up, then resume the account and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="account",
    ),
    ErrorKind(
        ("insufficient_user_quota", "pre_consume_token_quota_failed"),
        _("The balance of the relay's account, or of this key, is used up."),
        _("Top up at the relay or raise the key's quota there, then resume the account and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="account",
    ),
    ErrorKind(
        ("permission_denied",),
        _("The relay does not let this key do that; often the key may not use this model."),
        _("Check what the key may use in the relay's console, or choose another model."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("OperationDenied",),
        _("The account may not do this at present; the part behind the dot says why."),
        _("Settle it in the provider's console, then resume the model and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("OperationDenied.PermissionDenied",),
        _("The account lacks the permission for this."),
        _("Have the permission granted in the provider's console, then resume the model and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("OperationDenied.ServiceNotOpen",),
        _("The service is not activated for the account."),
        _("Activate it in the provider's console, then resume the model and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("OperationDenied.ServiceOverdue", "ServiceOverdue"),
        _("The service is suspended because of an unpaid balance."),
        _("Pay or top up, then resume the account and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="account",
    ),
    ErrorKind(
        ("OperationDenied.FileQuotaExceeded",),
        _("The account may keep no more files at the provider."),
        _("Delete files in the provider's console, then retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("OperationDenied.InvalidState", "OperationDenied.UnsupportedPhase"),
        _("What was asked does not fit the state in which the provider has it."),
        _("Synchronise the task, or look at it in the provider's console."),
        billed="unknown",
        retry="operator",
        statuses=(403,),
        pauses="model",
    ),
    ErrorKind(
        ("http_403",),
        _("The provider refused without a code: the balance is used up, or the key lacks a permission."),
        _("Check balance and key in the provider's console, then resume the account and retry."),
        billed="no",
        retry="operator",
        statuses=(403,),
        speaks_for_status=True,
        pauses="account",
    ),
    ErrorKind(
        ("InvalidSubscription",),
        _("The plan that the key belongs to has lapsed."),
        _("Renew the plan, or use a key with a balance of its own, then resume the account."),
        billed="no",
        retry="operator",
        statuses=(400,),
        pauses="account",
    ),
    ErrorKind(
        ("SetLimitExceeded",),
        _("The spending limit that was set in the provider's console is reached."),
        _("Raise the limit there, then resume the account; waiting tasks leave by themselves."),
        billed="no",
        retry="operator",
        statuses=(429,),
        pauses="account",
    ),
    ErrorKind(
        ("QuotaExceeded",),
        _("A quota is used up: the free one, the plan's, or the number of tasks that may wait at the provider."),
        _("When too many tasks wait, it passes by itself. Otherwise buy more, then resume the account."),
        billed="no",
        retry="operator",
        statuses=(429,),
        pauses="account",
    ),
    # -- the model -----------------------------------------------------------------------------------------------------
    ErrorKind(
        ("InvalidEndpointOrModel", "InvalidEndpointOrModel.NotFound"),
        _("The provider does not know this model or endpoint, or this account may not use it."),
        _("Use the id with its date as the provider's console shows it, and a key of the same region."),
        billed="no",
        retry="operator",
        statuses=(404,),
    ),
    ErrorKind(
        ("InvalidEndpointOrModel.ModelIDAccessDisabled",),
        _("This account may call the model through an endpoint only."),
        _("Create an endpoint in the provider's console and use its id, which begins with ep-."),
        billed="no",
        retry="operator",
        statuses=(404,),
        pauses="model",
    ),
    ErrorKind(
        ("http_404",),
        _("The provider has nothing at this address, or does not know the model."),
        _("Check BASE_URL and the model's id, then send a new task."),
        billed="no",
        retry="operator",
        statuses=(404,),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("InvalidEndpoint.ClosedEndpoint",),
        _("The endpoint is closed, or is just switching."),
        _("Retry in a few minutes; when that does not help, open it in the provider's console."),
        billed="no",
        retry="later",
        statuses=(400,),
    ),
    ErrorKind(
        ("ModelNotOpen",),
        _("The model is known but not activated for this account."),
        _("Activate it in the provider's console, where 2.x models ask for a minimum balance, then resume the model."),
        billed="no",
        retry="operator",
        statuses=(404,),
        pauses="model",
    ),
    ErrorKind(
        ("UnsupportedModel",),
        _("The model is not part of the plan that the key belongs to."),
        _("Choose a model of the plan, or use a key with a balance of its own and resume the model."),
        billed="no",
        retry="operator",
        statuses=(404,),
        pauses="model",
    ),
    ErrorKind(
        ("model_not_found",),
        _("The relay has no channel to this model at the moment; nothing was started."),
        _("Retry later, a few times; then choose another model or ask the relay."),
        billed="no",
        retry="later",
        statuses=(503,),
    ),
    ErrorKind(
        ("get_channel_failed",),
        _("The relay found no channel to this model; nothing was started."),
        _("Retry later, a few times; then choose another model or ask the relay."),
        billed="no",
        retry="later",
        statuses=(500, 503),
    ),
    ErrorKind(
        ("model_not_priced",),
        _("The relay has set no price for this model, so it does not offer it."),
        _("Choose a model from the relay's list."),
        billed="no",
        retry="no",
        statuses=(400,),
    ),
    # -- the task ------------------------------------------------------------------------------------------------------
    ErrorKind(
        ("ResourceNotFound", "NotFound"),
        _("The provider does not know what was asked for. It forgets tasks after seven days."),
        _("Look for the task in the provider's console; another key or region does not see it."),
        billed="unknown",
        retry="no",
        statuses=(404,),
    ),
    ErrorKind(
        ("task_not_exist",),
        _("The relay does not know this task, or is still getting it ready."),
        _("Wait two minutes and synchronise it; after that it is gone."),
        billed="unknown",
        retry="later",
        statuses=(400,),
    ),
    ErrorKind(
        ("fail_to_fetch_task",),
        _("The relay hands on an error of its own provider, without its code."),
        _("Read the message: the cause is in it."),
        billed="unknown",
        retry="no",
        statuses=(451,),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("InvalidAction",),
        _("What was asked cannot be done to the task in its present state."),
        _("Synchronise the task and see what became of it."),
        billed="unknown",
        retry="no",
        statuses=(409,),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("InvalidAction.RunningTaskDeletion",),
        _("The task is running by now and cannot be cancelled any more."),
        _("Let it finish; its video will come home."),
        billed="yes",
        retry="no",
        statuses=(409,),
    ),
    # -- too fast ------------------------------------------------------------------------------------------------------
    ErrorKind(
        (
            "RateLimitExceeded",
            "RateLimitExceeded.EndpointRPMExceeded",
            "RateLimitExceeded.EndpointTPMExceeded",
            "ModelAccountRpmRateLimitExceeded",
            "ModelAccountTpmRateLimitExceeded",
            "ModelAccountIpmRateLimitExceeded",
            "APIAccountRpmRateLimitExceeded",
            "AccountRateLimitExceeded",
            "FlowLimitExceeded",
        ),
        _("The provider was asked more often than the account may; the request was turned away."),
        _("Nothing needs to be done: it is sent again, more slowly. Lower CREATE_PER_MINUTE when it happens often."),
        billed="no",
        retry="later",
        statuses=(429,),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("RequestBurstTooFast",),
        _("The number of requests rose too steeply."),
        _("Nothing needs to be done: it is sent again, more slowly."),
        billed="no",
        retry="later",
        statuses=(429,),
    ),
    ErrorKind(
        ("InflightBatchsizeExceeded",),
        _("Too many requests are under way at once."),
        _(
            "Nothing needs to be done: it is sent again. When it happens often, set MAX_ACTIVE, or top up: the limit "
            "grows with the amount that the account has ever paid in."
        ),
        billed="no",
        retry="later",
        statuses=(429,),
    ),
    ErrorKind(
        ("ServerOverloaded",),
        _("The provider has no capacity left at the moment."),
        _("Nothing needs to be done: it is sent again after longer and longer pauses."),
        billed="no",
        retry="later",
        statuses=(429,),
    ),
    ErrorKind(
        ("ModelLoadingError",),
        _("The model is still being loaded."),
        _("Nothing needs to be done: it is sent again."),
        billed="no",
        retry="later",
        statuses=(429,),
    ),
    # -- their bad day -------------------------------------------------------------------------------------------------
    ErrorKind(
        ("InternalServiceError", "InternalError", "InternalServiceTimeout", "ServiceUnavailableTemp"),
        _("The provider had trouble of its own."),
        _("A failed task can be retried. After a create without an answer, look in the provider's console first."),
        billed="unknown",
        retry="later",
        statuses=(408, 500, 502, 503, 504, 524),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("do_request_failed", "bad_response_status_code"),
        _("The relay did not reach the host behind it, or got an answer that it could not use."),
        _("Read its message. After a create, look in the relay's console whether a task is running before you retry."),
        billed="unknown",
        retry="later",
        statuses=(500, 502),
    ),
    # -- ours ----------------------------------------------------------------------------------------------------------
    ErrorKind(
        ("redirect",),
        _("The provider's address redirects to another one, and a redirect is never followed."),
        _("Correct BASE_URL; a missing path or a wrong host is the usual cause."),
        billed="no",
        retry="operator",
        statuses=(301, 302, 303, 307, 308),
        speaks_for_status=True,
    ),
    ErrorKind(
        ("media_unreadable",),
        _("An uploaded file could not be read from our storage when the task was to be sent."),
        _("Check the storage, upload the file again and send a new task."),
        billed="no",
        retry="operator",
    ),
    ErrorKind(
        ("unsupported",),
        _("The provider's dialect has no words for something in this request, or lacks the operation."),
        _("Leave it out, or send the task through a provider that takes it."),
        billed="no",
        retry="no",
    ),
    ErrorKind(
        ("unknown_provider",),
        _("The provider that the task names is not in the settings any more."),
        _("Put its alias back into SEEDANCE, or send a new task through another one."),
        billed="no",
        retry="operator",
    ),
    ErrorKind(
        ("refused_by_rules",),
        _("Our own rules refused the request just before it was sent, though they took it when it was made."),
        _("The model's row in the catalogue has changed since. Correct the request and send a new task."),
        billed="no",
        retry="no",
    ),
    ErrorKind(
        ("closed_as_lost",),
        _("A person closed it as lost: what became of it at the provider could not be found out."),
        _("Look in the provider's console before you retry it; it may have been billed."),
        billed="unknown",
        retry="operator",
    ),
)
