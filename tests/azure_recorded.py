"""What the recorded invocations of tests/golden/events/azure are as events: by the file, which function gets which."""

from __future__ import annotations

from typing import Any

RECORDED: list[tuple[str, str, list[dict[str, Any]]]] = [
    (
        "schedule",
        "tick",
        [{"type": "dev.hyfn.schedule.tick", "source": "/schedule", "time": "2022-03-28T15:45:00-05:00", "data": None}],
    ),
    (
        "queue",
        "order",
        [
            {
                "type": "dev.hyfn.queue.message",
                "source": "/queue/orders",
                "id": "5974b586-0df3-4e2d-ad0c-18e3892bfca2",
                "attempt": 1,
                "time": "2009-10-09T21:04:30+00:00",
                "data": "<test>this is a test message</test>",
            }
        ]
        * 2,
    ),
    (
        "topic",
        "news",
        [
            {
                "type": "dev.hyfn.topic.message",
                "source": "/topic/news",
                "id": "abcee18397398d93891830a0aac89eed",
                "subject": "mocked_subject",
                "datacontenttype": "application/json",
                "application": "value",
                "time": "2020-06-18T05:39:12.286040+00:00",
                "data": {"lucky_number": 23},
            }
        ],
    ),
    (
        "stream",
        "clicks",
        [
            {
                "type": "dev.hyfn.stream.record",
                "source": "/stream/clicks",
                "id": f"0:{sequence}",
                "partition": "0",
                "sequence": str(sequence),
                "time": "2020-07-14T01:27:55.627000+00:00",
                "data": {"device-status": status},
            }
            for sequence, status in [(47, "good1"), (48, "good2")]
        ],
    ),
    (
        "stream-kafka",
        "lines",
        [
            {
                "type": "dev.hyfn.stream.record",
                "source": "/stream/message",
                "id": f"{partition}:{offset}",
                "partition": str(partition),
                "sequence": str(offset),
                "time": at.replace("Z", "000+00:00"),
                **headers,
                "data": {"Offset": offset, "Partition": 1, "Topic": "message", "Timestamp": at, "Value": "a"},
            }
            for partition, offset, at, headers in [
                (1, 62, "2020-06-20T05:06:25.139Z", {}),
                (2, 63, "2020-06-20T05:06:25.945Z", {"trace": "on"}),
            ]
        ],
    ),
    (
        "blob",
        "written",
        [
            {
                "type": "dev.hyfn.blob.created",
                "source": "/blob/test-container",
                "id": "831e1650-001e-001b-66ab-eeb76e069631",
                "subject": "new-file.txt",
                "time": "2017-06-26T18:41:00.958410+00:00",
                "data": {
                    "container": "test-container",
                    "name": "new-file.txt",
                    "size": 524288,
                    "etag": "0x8D4BCC2E4835CD0",
                    "content_type": "text/plain",
                    "version": None,
                },
            }
        ],
    ),
    (
        "blob-deleted",
        "gone",
        [
            {
                "type": "dev.hyfn.blob.deleted",
                "source": "/blob/testcontainer",
                "id": "4c2359fe-001e-00ba-0e04-58586806d298",
                "subject": "file-to-delete.txt",
                "time": "2017-11-07T20:09:22.567400+00:00",
                "data": {
                    "container": "testcontainer",
                    "name": "file-to-delete.txt",
                    "size": None,
                    "etag": None,
                    "content_type": "text/plain",
                    "version": None,
                },
            }
        ],
    ),
    (
        "event",
        "stored",
        [
            {
                "type": "Microsoft.Storage.BlobCreated",
                "source": "/subscriptions/{subscription-id}/resourceGroups/{resource-group}/providers/"
                "Microsoft.Storage/storageAccounts/{storage-account}",
                "id": "9aeb0fdf-c01e-0131-0922-9eb54906e209",
                "subject": "blobServices/default/containers/{storage-container}/blobs/{new-file}",
                "time": "2019-11-18T15:13:39.458925+00:00",
            }
        ],
    ),
    (
        "event-grid-schema",
        "captured",
        [
            {
                "type": "captureFileCreated",
                "source": "/TestTopic/namespaces/test",
                "id": "00010001-0001-0001-0001-000100010001",
                "subject": "eventhubs/test",
                "time": "2017-07-14T23:10:27.768966+00:00",
            }
        ],
    ),
]
"""An "id" or "data" that is left out is looked at by itself."""
