"""
What each known inference server is like, as data: limits that no probe can find, and their sources.

A probe finds out whether a field is accepted; that a schema garbles the answers of one server, or
that another counts priorities the other way round, only shows when it is too late. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Api = Literal["chat", "responses"]


class PriorityOrder(Enum):
    """How a server reads the request field `priority`; the value is what ours is multiplied by."""

    LOWER_FIRST = 1
    HIGHER_FIRST = -1
    UNKNOWN = 0
    """It is not sent: at best nobody reads it, at worst it is read the other way round."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One server software, or one host. The defaults are what holds for most."""

    name: str
    """As in `inference.profile`."""
    title: str
    api: Api = "chat"
    """What `inference.api = "auto"` means here."""
    with_schema: bool = True
    """Whether a JSON schema is worth sending; the format is in the prompt in any case."""
    reasoning_field: str = "reasoning or reasoning_content"
    """Where a message keeps the reasoning, as far as known; both are read from every server."""
    efforts: tuple[str, ...] = ("low", "medium", "high")
    """gpt-oss knows these three, whatever other words a server's interface allows."""
    priority: PriorityOrder = PriorityOrder.UNKNOWN
    has_logprobs: bool | None = None
    """None where only a probe can say."""
    may_cut_prompts: bool = False
    """Whether a prompt beyond the context may be cut without an error, so that it is tried."""
    checks_markers: bool = True
    """Whether it is worth knowing if control tokens in text become real ones; where a host answers
    for the server, nobody who could read it could change it."""
    busy_statuses: tuple[int, ...] = (429, 503)
    """What it answers when it is full; both always mean the same to us."""
    queue: str = ""
    """How requests beyond its slots are kept, for the operator."""
    notes: tuple[str, ...] = ()
    """What an operator should know or set; `doctor` prints them."""


VLLM = Profile(
    name="vllm",
    title="vLLM",
    # PR 27752 brought `reasoning`, PR 33402 (early 2026) removed `reasoning_content`.
    reasoning_field="reasoning",
    # The field's own description: lower is earlier; anything but 0 is an error unless the server
    # schedules by priority.
    priority=PriorityOrder.LOWER_FIRST,
    has_logprobs=True,
    # A prompt beyond --max-model-len is a 400 (seen on 0.32).
    may_cut_prompts=False,
    # 503 from PR 49445 (mid-2026), 429 proposed in PR 49330.
    busy_statuses=(503, 429),
    queue="without bound unless it runs with --max-num-queued-reqs",
    notes=(
        "start it with --reasoning-parser openai_gptoss, --enable-prompt-tokens-details (else no "
        "cached tokens are counted) and --scheduling-policy priority (else priorities are an "
        "error)",
        # harmony_utils: the preamble holds datetime.now() and stands before the policy.
        "set VLLM_SYSTEM_START_DATE: today's date stands before the policy, so every prefix cache "
        "goes cold at midnight",
        "the first request with a schema takes 12 to 20 s; the probe at the start is that request",
    ),
)

LLAMA_CPP = Profile(
    name="llama.cpp",
    title="llama.cpp",
    reasoning_field="reasoning_content",  # PR 15181, --reasoning-format auto
    # The field is accepted (seen on build 11549); whether anything reads it is not known.
    priority=PriorityOrder.UNKNOWN,
    has_logprobs=True,  # seen on build 11549, over chat
    # 400 exceed_context_size_error (seen on build 11549).
    may_cut_prompts=False,
    queue="without bound; -c is shared out among the -np slots",
    notes=(
        "keep --threads-http above inference.calls_max + 2: connections beyond it starve",
        # llama.cpp #26381, #27720
        "a few answers in a hundred are a 500 about the peg-native format; they are asked again",
        # llama.cpp #21922, PR 26145 not merged as of August 2026
        "its /v1/responses ignores the schema and calls cut answers completed: keep to chat",
        # llama.cpp #24382
        "its chat template reads control tokens in text as real ones; ours are broken up before",
    ),
)

OLLAMA = Profile(
    name="ollama",
    title="Ollama",
    has_logprobs=None,  # ollama #16117: dropped silently from /v1 in May 2026, outcome not known
    # docs/api/openai-compatibility: /v1 has no way to set the context; 4k below 24 GiB (docs/
    # context-length). Overflow is cut silently for some models, a 400 for others (ollama #17889).
    may_cut_prompts=True,
    busy_statuses=(503,),
    queue="OLLAMA_MAX_QUEUE, 512 unless set, then 503; OLLAMA_NUM_PARALLEL work at once",
    notes=(
        "set OLLAMA_CONTEXT_LENGTH, or num_ctx in a Modelfile: the request cannot, and the default "
        "of 4,096 tokens on smaller cards cuts long prompts without saying so",
        # ollama #11751
        "gpt-oss cannot be kept from thinking: only low, medium and high are efforts",
    ),
)

LM_STUDIO = Profile(
    name="lm-studio",
    title="LM Studio",
    # lmstudio-bug-tracker #1555 and #1105, both open: the grammar blocks harmony's own tokens.
    with_schema=False,
    may_cut_prompts=True,  # what it does on overflow is a setting of the loaded model
    queue="inside the application",
    notes=(
        "no schema is sent: it garbles the answers of gpt-oss models here; the format is asked for "
        "in the prompt alone",
        # lmstudio.ai model page
        "its own defaults for this model are effort low and temperature 0.8; ours are sent with "
        "every request",
    ),
)

SGLANG = Profile(
    name="sglang",
    title="SGLang",
    reasoning_field="reasoning_content",
    # server_args: higher values first, unless it runs with --schedule-low-priority-values-first.
    priority=PriorityOrder.HIGHER_FIRST,
    # Its flag for the queue is known by name alone; it was not tried.
    queue="without bound unless it runs with --max-queued-requests",
    notes=(
        "start it with --reasoning-parser gpt-oss; --enable-cache-report counts cached tokens",
        # sglang #9259, #31019
        "schema and reasoning together may leave reasoning in the answer, which the table shows as "
        "answers that strayed from the schema; they are read where they are unambiguous",
        "priorities need --enable-priority-scheduling; without it they are accepted and not read. "
        "Do not add --schedule-low-priority-values-first, which turns their order round",
    ),
)

GROQ = Profile(
    name="groq",
    title="Groq",
    reasoning_field="reasoning",
    has_logprobs=False,  # console.groq.com/docs/openai: logprobs are a 400
    checks_markers=False,
    busy_statuses=(429,),
    queue="none: a limit of requests and tokens a minute, then 429 with Retry-After",
    notes=(
        # console.groq.com/docs/structured-outputs: strict only for gpt-oss-20b and 120b
        "the schema is best effort for this model: its own check may answer 400 with the text "
        "inside, which is read all the same",
        "a hosted endpoint: message texts leave your premises; only the 20b model is served",
    ),
)

OPENROUTER = Profile(
    name="openrouter",
    title="OpenRouter",
    reasoning_field="reasoning",
    has_logprobs=False,  # no logprobs for this model, checked 2026-09-28
    checks_markers=False,
    busy_statuses=(429, 503),
    queue="none: limits of the account and of the provider behind it, then 429",
    notes=(
        "it hands requests on to Groq, and what is said of Groq holds: the schema is best effort",
        "a hosted endpoint: message texts leave your premises by two companies",
    ),
)

GENERIC = Profile(
    name="generic",
    title="unknown server",
    may_cut_prompts=True,
    notes=("name it in inference.profile if it is one that we know behind a gateway",),
)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (VLLM, LLAMA_CPP, OLLAMA, LM_STUDIO, SGLANG, GROQ, OPENROUTER, GENERIC)
}
