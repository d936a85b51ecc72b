"""`python -m bench.profile`: where the CPU time of one server goes, under load, by function and by part.

Samples are taken each 2 ms of CPU time in the server's main thread, so what others do on the machine does not change
the shares. Other threads are not in them: CRT's, where a server has one.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from bench.measures import Talk, grow
from bench.stage import KINDS, served, stage

TALK = Talk(10, 3, 2)

# The first that is found on a stack, from its innermost frame outwards, is the part that a sample counts for.
PARTS = (
    ("FIR", ("agent/audio/resample.py",)),
    ("mu-law", ("agent/audio/ulaw.py",)),
    ("loguru", ("loguru/",)),
    ("metrics", ("common/metrics.py", "prometheus_client/")),
    ("SDK receive", ("AWSEventReceiver", "AWSCRTHTTPResponse", "Event.decode", "AsyncBytesReader", "awscrt/")),
    ("SDK send", ("AWSEventPublisher", "aws_sdk_signers/", "smithy_", "aws_sdk_bedrock_runtime/")),
    ("HTTP/2 and TLS", ("agent/sonic/wire/http2.py", "h2/", "hyperframe/", "ssl.py", "sslproto")),
    ("Sonic encode", ("agent/sonic/encoding.py",)),
    ("Sonic parse", ("agent/sonic/reading.py", "agent/sonic/parsing.py", "agent/sonic/bounded_json.py")),
    ("Sonic client", ("agent/sonic/wire/client.py", "agent/sonic/wire/eventstream.py")),
    ("Sonic session", ("agent/sonic/session.py",)),
    ("Media Stream JSON", ("telephony/twilio/media_stream.py",)),
    ("WebSocket", ("carlos/websocket.py", "uvicorn/", "websockets/", "starlette/", "fastapi/")),
    ("pipecat", ("pipecat/",)),
    (
        "playout",
        ("agent/playout.py", "agent/line.py", "agent/pipeline.py", "audio/pacing.py", "agent/metering.py"),
    ),
    ("answer times", ("agent/answer_times.py",)),
    ("rate guards", ("telephony/rate_guards.py",)),
    ("records", ("data/backends/", "data/call", "agent/record_writer.py")),
    ("call", ("agent/call.py", "agent/sonic/service.py", "telephony/")),
)

type Stack = tuple[str, ...]  # innermost first


def part_of(stack: Sequence[str]) -> str:
    """The part a sample counts for; below the event loop's own frame lies only the start of the process."""
    for function in takewhile(lambda function: "asyncio/runners.py" not in function, stack):
        for part, places in PARTS:
            if any(place in function for place in places):
                return part
    return "event loop"


def shares(stacks: Iterable[tuple[Stack, int]]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Samples by part, by function that ran, and by function that was anywhere on the stack."""
    parts, own, total = Counter[str](), Counter[str](), Counter[str]()
    for stack, count in stacks:
        parts[part_of(stack)] += count
        own[stack[0]] += count
        for function in set(stack):
            total[function] += count
    return parts, own, total


async def sampled(kind: str, calls: int, seconds: float) -> tuple[str, list[tuple[Stack, int]]]:
    """What was measured and what the server used meanwhile, and its stacks with their number of samples."""
    with tempfile.TemporaryDirectory(prefix="carlos-bench-") as folder:
        async with stage(Path(folder)) as standing, served(standing, kind) as server:
            await grow(standing, calls, TALK)
            before = server.read()
            await server.toggle_profile()
            await asyncio.sleep(seconds)
            await server.toggle_profile()
            stacks = await server.child.answer()
            use = server.use_since(before)
    return f"{kind}, {calls} calls: {use}", [(tuple(stack), count) for *stack, count in stacks]


def table(stacks: Sequence[tuple[Stack, int]]) -> str:
    """Markdown: each part, and the two functions that took most of it themselves, in % of all samples."""
    every = sum(count for _, count in stacks) or 1
    by_part: dict[str, Counter[str]] = defaultdict(Counter)
    for stack, count in stacks:
        by_part[part_of(stack)][stack[0].rpartition("/")[2]] += count
    lines = [f"{every} samples", "", "| part | % | its largest functions, % of all |", "|---|---:|---|"]
    for part, functions in sorted(by_part.items(), key=lambda item: -item[1].total()):
        largest = ", ".join(f"`{name}` {100 * count / every:.1f}" for name, count in functions.most_common(2))
        lines.append(f"| {part} | {100 * functions.total() / every:.1f} | {largest} |")
    return "\n".join(lines)


def tell(stacks: Sequence[tuple[Stack, int]], head: str, rows: int = 40) -> str:
    every = sum(count for _, count in stacks) or 1
    lines = [head]
    titles = ("by part", "by function", "with what it called")
    for title, counter in zip(titles, shares(stacks), strict=True):
        lines += ["", title]
        lines += [f"{100 * count / every:5.1f} %  {name}" for name, count in counter.most_common(rows)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.profile", description=__doc__)
    parser.add_argument("kind", choices=KINDS, nargs="?", default="ours")
    parser.add_argument("--calls", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--table", action="store_true", help="by part only, in Markdown")
    options = parser.parse_args()
    head, stacks = asyncio.run(sampled(options.kind, options.calls, options.seconds))
    print(f"{head}, {table(stacks)}" if options.table else tell(stacks, head))


if __name__ == "__main__":
    main()
