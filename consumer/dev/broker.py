"""
A Kafka broker inside the process: librdkafka's own mock cluster, reached through its C interface.

Any client on this machine can use it, of any process, for as long as the owner lives. It is a
stand-in; tests that need what follows run against a real broker:

- CreateTopics, DeleteRecords, DescribeGroups, ListGroups, DescribeConfigs and every other admin
  request are not answered: topics are made here, or on first use with 4 partitions;
- ListOffsets knows the beginning and the end, no look-up by time;
- a partition keeps the newest 5 MiB or 100,000 records, whichever is less, and nothing outlives
  the process; there is no compaction;
- TxnOffsetCommit stores nothing and aborted records are read all the same, so no transactions;
- there are no ACLs, no SASL and no TLS;
- one message set per partition per fetch, so large backlogs are read slowly;
- a group of the classic protocol takes the leader's first assignor blindly.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import confluent_kafka
from confluent_kafka import Producer, cimpl

AUTO_PARTITIONS = 4
"""What a topic gets that was not named, and every topic where the C interface is out of reach."""


class EmbeddedBroker:
    """
    Brokers with exactly the given topics, from `with` to the end of its block.

    `topics` maps names to partition counts, and a new group waits `join_ms` for more members. Where
    this build of librdkafka hides the C interface, `is_limited` is true: every topic then has four
    partitions, a group waits three seconds, and no fault can be injected.
    """

    def __init__(
        self, topics: Mapping[str, int] | None = None, brokers: int = 1, join_ms: int = 0
    ) -> None:
        self.topics = dict(topics or {})
        self.brokers = brokers
        self._join_ms = join_ms
        self.bootstrap_servers = ""
        self._cluster: _Cluster | None = None
        self._owner: Producer | None = None

    def __enter__(self) -> Self:
        library = _find_library()
        if library is None:
            self._start_limited()
        else:
            self._cluster = _Cluster(library, self.brokers, self._join_ms)
            self.bootstrap_servers = self._cluster.bootstrap_servers
        for name, partitions in list(self.topics.items()):
            self.create_topic(name, partitions)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._cluster is not None:
            self._cluster.destroy()
        self._cluster = self._owner = None

    @property
    def is_limited(self) -> bool:
        return self._cluster is None

    def create_topic(self, name: str, partitions: int) -> None:
        """Make a topic; a `KafkaException` says that it exists already."""
        if self._cluster is not None:
            self._cluster.check("topic_create", name.encode(), partitions, self.brokers)
        elif self._owner is not None:
            self._owner.list_topics(name, timeout=10)
            partitions = AUTO_PARTITIONS
        self.topics[name] = partitions

    def fail_next(self, api_key: int, errors: list[int]) -> None:
        """
        Answer the next requests of one kind with these Kafka error codes, one request each.

        Keys: 0 Produce, 1 Fetch, 2 ListOffsets, 3 Metadata, 8 OffsetCommit, 9 OffsetFetch,
        10 FindCoordinator, 11 JoinGroup, 12 Heartbeat, 14 SyncGroup, 22 InitProducerId. A code of 0
        lets one request through; -195 cuts the connection instead of answering.
        """
        array = (ctypes.c_int * len(errors))(*errors)
        self._controlled.call("push_request_errors_array", api_key, len(errors), array)

    def clear_failures(self, api_key: int) -> None:
        """Forget what `fail_next` has not yet used up."""
        self._controlled.call("clear_request_errors", api_key)

    def set_broker_down(self, broker: int = 1) -> None:
        """Close a broker's connections and refuse new ones. Brokers are numbered from 1."""
        self._controlled.check("broker_set_down", broker)

    def set_broker_up(self, broker: int = 1) -> None:
        self._controlled.check("broker_set_up", broker)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Drop the records below an offset, as retention would."""
        self._controlled.check("partition_delete_records", topic.encode(), partition, before)

    def __repr__(self) -> str:
        topics = ", ".join(f"{name}:{count}" for name, count in self.topics.items())
        return f"EmbeddedBroker({self.bootstrap_servers or 'stopped'}; {topics}; a stand-in)"

    @property
    def _controlled(self) -> _Cluster:
        if self._cluster is None:
            raise RuntimeError(
                "the embedded broker is stopped, or this librdkafka hides its faults"
            )
        return self._cluster

    def _start_limited(self) -> None:
        """The portable way: a client that carries the brokers along, reached by configuration."""
        self._owner = Producer({"test.mock.num.brokers": self.brokers})
        found = self._owner.list_topics(timeout=10).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in found)


class _Cluster:
    """`rd_kafka_mock_cluster_t` and the client handle that its thread lives in."""

    _SIGNATURES: Mapping[str, tuple[type, ...]] = {
        "topic_create": (ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
        "push_request_errors_array": (
            ctypes.c_int16,
            ctypes.c_size_t,
            ctypes.POINTER(ctypes.c_int),
        ),
        "clear_request_errors": (ctypes.c_int16,),
        "broker_set_down": (ctypes.c_int32,),
        "broker_set_up": (ctypes.c_int32,),
        "partition_delete_records": (ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64),
        "group_initial_rebalance_delay_ms": (ctypes.c_int32,),
        "cluster_destroy": (),
    }

    def __init__(self, library: ctypes.CDLL, brokers: int, join_ms: int) -> None:
        self._library = library
        self._handle = self._new_handle()
        new = library.rd_kafka_mock_cluster_new
        new.argtypes, new.restype = (ctypes.c_void_p, ctypes.c_int), ctypes.c_void_p
        self._cluster = new(self._handle, brokers)
        if not self._cluster:
            raise RuntimeError("librdkafka made no mock cluster")
        bootstraps = library.rd_kafka_mock_cluster_bootstraps
        bootstraps.argtypes, bootstraps.restype = (ctypes.c_void_p,), ctypes.c_char_p
        self.bootstrap_servers: str = bootstraps(self._cluster).decode()
        # A real broker waits three seconds for more members; a test has them all at hand.
        self.call("group_initial_rebalance_delay_ms", join_ms)

    def call(self, name: str, *arguments: object) -> int:
        function = getattr(self._library, f"rd_kafka_mock_{name}")
        function.argtypes, function.restype = (
            (ctypes.c_void_p, *self._SIGNATURES[name]),
            ctypes.c_int,
        )
        return int(function(self._cluster, *arguments))

    def check(self, name: str, *arguments: object) -> None:
        """Call a function that returns an error code, and raise it."""
        code = self.call(name, *arguments)
        if code:
            raise confluent_kafka.KafkaException(confluent_kafka.KafkaError(code))

    def destroy(self) -> None:
        self.call("cluster_destroy")
        destroy = self._library.rd_kafka_destroy
        destroy.argtypes, destroy.restype = (ctypes.c_void_p,), None
        destroy(self._handle)

    def _new_handle(self) -> int:
        conf_new, conf_set = self._library.rd_kafka_conf_new, self._library.rd_kafka_conf_set
        conf_new.restype = ctypes.c_void_p
        text, size, pointer = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p
        conf_set.argtypes = (pointer, text, text, text, size)
        problem = ctypes.create_string_buffer(512)
        conf = conf_new()
        # The handle only carries the cluster: that it knows no brokers itself is not worth a line.
        conf_set(conf, b"log_level", b"3", problem, len(problem))
        new = self._library.rd_kafka_new
        new.argtypes, new.restype = (ctypes.c_int, pointer, text, size), pointer
        handle = new(0, conf, problem, len(problem))
        if not handle:
            raise RuntimeError(f"librdkafka made no client: {problem.value.decode()}")
        return int(handle)


def _find_library() -> ctypes.CDLL | None:
    """
    The librdkafka that this Python's Kafka client is linked with, or None.

    Symbols of the extension module are looked up in its dependencies too (Linux, macOS), wherever
    the wheel put them; on Windows the library's own file is needed.
    """
    package = Path(confluent_kafka.__file__).parent
    candidates = [
        Path(cimpl.__file__),
        *sorted(package.parent.glob("confluent_kafka.libs/*rdkafka*")),
        *sorted(package.glob(".dylibs/*rdkafka*.dylib")),
    ]
    for candidate in candidates:
        try:
            library = ctypes.CDLL(str(candidate))
            _ = library.rd_kafka_mock_topic_create
        except (OSError, AttributeError):
            continue
        return library
    return None
