"""One answer of a server -> the judgement in it, or the error that says why there is none. Pure."""

from __future__ import annotations

from consumer.classifier.parser import Fault, Reading, read_completion, read_failed_generation
from consumer.classifier.prompt import system_message
from consumer.domain.policy import Policy
from consumer.errors import ModelFault
from consumer.inference.blame.blame import error_for
from consumer.inference.blame.failures import FailedGeneration
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.usage import tokens_of

NO_COMPLETION = (Fault.NOT_A_COMPLETION, Fault.ERROR_IN_BODY)
"""What a 200 holds that is no answer of a model, so that `blame` says what it is."""


def reading_of(reply: Reply, policy: Policy, format: RequestFormat, asked: str) -> Reading:
    """
    The judgement that a reply holds. `asked` is the user message that it answers.

    Raises:
        Retryable: there is none; see `blame`.
    """
    if reply.is_success:
        # A token holds fewer than eight characters of a policy: where fewer came, it was cut.
        least = len(system_message(policy)) // 8
        room = format.room(policy.effort)
        found = read_completion(reply.body, policy, least, room, format.api)
        if isinstance(found, Reading):
            return found
        if found in NO_COMPLETION:
            raise error_for(reply, asked)
    else:
        error = error_for(reply, asked)
        if not isinstance(error, FailedGeneration):
            raise error
        found = read_failed_generation(error.body, policy)
    if isinstance(found, Fault):
        raise ModelFault(found.value, tokens=tokens_of(reply.body), body=reply.body)
    return found
