"""The indexes of the calls table.

Both have keys only: a call is written into each once, when it begins (and taken out of `OpenIndex` when it ends), and
what changes about it in between is written to the table alone. With attributes in them (INCLUDE) a list would be one
query cheaper for each hundred calls, and every change of a call's head would be written again into every index: calls
are written all day, and lists are read when somebody looks.

DynamoDB writes at most 1,000 units a second to one partition (docs: "Best practices for designing and using partition
keys effectively"), so the calls are spread over `SHARDS` partitions by their ids; a page is merged of all of them. At
1,000 calls a minute that is two entries a second for each. The day is not in the key: with it the writes of one
moment would meet in the same partitions all the same, and a page of a quiet month would ask for 240 of them.
"""

from __future__ import annotations

from zlib import crc32

from data.tables import Index

SHARDS = 8

BY_BEGIN = Index("ShardIndex", "shard", "startedAt", keys_only=True)
OPEN = Index("OpenIndex", "openShard", "startedAt", keys_only=True)  # sparse: calls without an end
# What versions before wrote, and `carlos migrate-calls` writes anew. Nothing is written into it any more.
OLDER = Index("StartedIndex", "kind", "startedAt")

CALLS_INDEXES = (BY_BEGIN, OPEN, OLDER)

ALL_SHARDS = tuple(f"call#{number}" for number in range(SHARDS))
OPEN_SHARDS = tuple(f"open#{number}" for number in range(SHARDS))
OLDER_CALLS = "call"  # their partition in StartedIndex


def shard_of(call_id: str) -> int:
    return crc32(call_id.encode()) % SHARDS
