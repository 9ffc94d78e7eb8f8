"""Check a request against the catalogue before anything is paid.

The provider bills what it does not refuse: it ignores unknown fields, does not check counts, and reports one mistake at
a time. So these rules are stricter than the provider, and report everything at once.
"""

from __future__ import annotations

from ..host import Host
from ..inputs import Inputs
from ..loading import Catalogue
from ..review import Review
from ..violations import Violation
from .media import check_media
from .model import check_model
from .parameter import check_draft_task, check_parameters
from .prompt import check_prompt


def check(inputs: Inputs, host: Host, catalogue: Catalogue) -> list[Violation]:
    """Every violation of a request: model, prompt, media, draft, then parameters in their documented order.

    A model that is not in the catalogue is compared with the nearest one, whose rules then only warn.
    What holds for every model is still an error.
    """
    review = Review(inputs, host, catalogue)
    check_model(review)
    check_prompt(review)
    check_media(review)
    check_draft_task(review)
    check_parameters(review)
    return review.violations
