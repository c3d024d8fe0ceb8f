"""Settings: the whole configuration, a table for each section."""

from __future__ import annotations

from consumer.settings.dead_letters import DeadLetterSettings
from consumer.settings.inference import InferenceSettings
from consumer.settings.kafka import KafkaSettings
from consumer.settings.pipeline import PipelineSettings
from consumer.settings.policies import PolicySettings
from consumer.settings.review import ReviewSettings
from consumer.settings.section import Section
from consumer.settings.telemetry import TelemetrySettings


class Settings(Section):
    """The whole configuration."""

    kafka: KafkaSettings = KafkaSettings()
    inference: InferenceSettings = InferenceSettings()
    pipeline: PipelineSettings = PipelineSettings()
    policies: PolicySettings = PolicySettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    review: ReviewSettings = ReviewSettings()
