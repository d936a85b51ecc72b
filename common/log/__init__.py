"""The log: one sink for every line, and call records delivered to CloudWatch Logs."""

from common.log.errors import error_text
from common.log.sink import Scope, configure, current_file, write_line

__all__ = ["Scope", "configure", "current_file", "error_text", "write_line"]
