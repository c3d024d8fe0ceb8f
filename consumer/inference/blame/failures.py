"""
The failures that an answer may mean, by what to do about each of them. Pure.

| kind | error | what becomes of it |
|---|---|---|
| its own | ModelFault, Refused | asked otherwise, then it ends unjudged |
| its length | PromptTooLong | in shorter pieces, where a probe's few words are not too long |
| load | Overloaded | nobody's fault: the call waits and asks again |
| a feature to leave out | UnknownParameter | asked once without it; kept out where that works |
| the endpoint's | InferenceUnavailable | unknown, as the next |
| unknown | Declined, Unclear | a probe settles it, which must give a readable judgement |
"""

from __future__ import annotations

from consumer.errors import EndpointRefused, ModelFault, Retryable
from consumer.inference.blame.fault import Fault


class PromptTooLong(Retryable):
    """Text and policy are longer than the model's context. It is judged in shorter pieces."""

    is_systemic = False


class Refused(Retryable):
    """The host's own moderation would not have this text judged. Its verdict is flag at least."""

    is_systemic = False


class UnknownParameter(Retryable):
    """The endpoint does not take a field of the request. It is asked once more without it."""

    is_systemic = False

    def __init__(self, field: str, otherwise: Retryable | None = None) -> None:
        super().__init__(f"the endpoint does not know the request field {field}")
        self.field = field
        self.otherwise = otherwise or Unclear("http_400")
        """What the answer means where the field was not even sent."""


class FailedGeneration(ModelFault):
    """The host's own schema check refused the model's answer and returned it inside a 400."""

    def __init__(self, body: bytes) -> None:
        super().__init__("failed_generation")
        self.body = body


def is_refusal(error: Retryable) -> bool:
    """Whether a model or a host says outright that it will not have this text judged."""
    is_models = isinstance(error, ModelFault) and error.reason == Fault.REFUSAL
    return is_models or isinstance(error, Refused)


class Unclear(ModelFault):
    """An answer that is neither a completion nor an error known to us."""

    is_systemic = True


class Declined(Retryable):
    """
    The endpoint will not answer, and says no more than that.

    To one message it is a refusal, from a firewall or a host. To everything it is an outage: a key
    that was withdrawn, a model that is gone, a path that leads elsewhere.
    """

    def __init__(self, status: int) -> None:
        self.status = status
        self.hint = HINTS.get(status, "look at what stands between it and this worker")
        super().__init__(f"the inference server answered {status}: {self.hint}")

    @property
    def is_of_the_way(self) -> bool:
        """Whether it speaks of key, model or path, and so of no text."""
        return self.status in (401, 404, 405, 407, 421)

    @property
    def is_misconfigured(self) -> bool:
        """Whether it says, where nothing was ever judged, that the settings are wrong."""
        return self.status in HINTS

    def as_fatal(self, endpoint: str) -> EndpointRefused:
        """The same where nothing was ever judged: the settings of that endpoint are wrong."""
        return EndpointRefused(f"endpoint {endpoint}: {self}")


HINTS = {
    401: "check inference.api_key_file",
    403: "check inference.api_key_file",
    404: "check inference.endpoint (it ends in /v1) and inference.model",
}
