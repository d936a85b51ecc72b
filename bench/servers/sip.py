"""Carlos with a SIP line: the same server, reached another way."""

from __future__ import annotations

from bench.servers.ours import main

if __name__ == "__main__":
    main()
