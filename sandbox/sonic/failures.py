"""The service's own failures, ready for a `Fault`: what was recorded or is documented, each with its source.

Exception messages go out behind "RequestId=... : ", which the stand-in adds. "live" was recorded from the real
service by a third party, whose public repository follows; "client" is a text that a released client waits for.
"""

from __future__ import annotations

from sandbox.sonic.faults import Raise, Reject

ERROR_LIST = "Error(s):\nError 1 : "  # live, before some messages: content filters with and without, duplicate SYSTEM


def listed(message: str) -> str:
    """The message as the only entry of an error list, as some come."""
    return ERROR_LIST + message


# The service's clocks.

# live (480.5 s after the open); AWS user guide: 8 minutes
LIFE_OVER = Raise("modelTimeoutException", "Model has timed out in processing the request. Try your request again.")

IDLE_TEXT = (
    "Timed out waiting for audio bytes or interactive content. Please ensure gaps between audio bytes and "
    "interactive content are less than {seconds} seconds"
)
IDLE_55 = Raise("validationException", IDLE_TEXT.format(seconds=55))  # live: both occur, nothing in between
IDLE_295 = Raise("validationException", IDLE_TEXT.format(seconds=295))
# live, about 60 s without any event; older than the two above, and still named by AWS's sample clients
INPUT_TIMED_OUT = Raise("validationException", "Timed out waiting for input events")


# Validation exceptions that say nothing about validity.

# live: 10 % of one production's sessions, for prompts that passed before (exafyltd/vitana-platform)
CONTENT_FILTER = Raise("validationException", "This request has been blocked by our content filters.")
CONTENT_FILTER_LISTED = Raise("validationException", listed(CONTENT_FILTER.message))  # live, the same source
# live (livekit/agents#6010)
INSTABILITY = Raise("validationException", "System instability detected. Please retry your request.")
# live for the first text; client: strands-agents 1.62 takes any message with 531 for a time-out
RESET_531 = Raise("validationException", "InternalErrorCode=531::RST_STREAM closed stream. HTTP/2 error code: NO_ERROR")
TIMED_OUT_531 = Raise("validationException", "InternalErrorCode=531::The request timed out.")  # after "::" invented
# client: livekit-plugins-aws 1.8.9 starts anew with the history first
HISTORY_AFTER_AUDIO = Raise("validationException", "Chat history should be sent completely before streaming audio.")
# live, for two messages well under every documented limit
HISTORY_TOO_LONG = Raise("validationException", "Chat history is over max limit. Trim chat history and try again.")
# live (livekit/agents#2874)
TOOL_RESULT_UNREAD = Raise("validationException", "Tool Response parsing error")
# live, in mid-call as well (pipecat-ai/pipecat#3122)
INVALID = Raise("validationException", "Invalid input request, please fix your input and try again.")


# Failures inside the service: members of the API's union; the texts are those of its documentation.

MODEL_STREAM = Raise("modelStreamErrorException", "An error occurred while streaming the response.")
INTERNAL = Raise("internalServerException", "An internal server error occurred. Retry your request.")
UNAVAILABLE = Raise("serviceUnavailableException", "The service isn't currently available. Try again later.")
THROTTLED_IN_STREAM = Raise("throttlingException", "Your request was throttled because of service-wide limitations.")
UNMODELLED = Raise("brandNewException", "A type that no SDK knows.")  # invented


# Refusals before the stream opens.

THROTTLED = Reject(429, "ThrottlingException", "Too many requests, please wait before trying again.")  # live
# AWS security token service's words, the same in every service
EXPIRED_TOKEN = Reject(403, "ExpiredTokenException", "The security token included in the request is expired")
INVALID_TOKEN = Reject(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
# AWS re:Post, "Bedrock access denied"
ACCESS_DENIED = Reject(403, "AccessDeniedException", "You don't have access to the model with the specified model ID.")
INTERNAL_AT_OPEN = Reject(500, "InternalServerException", INTERNAL.message)
UNAVAILABLE_AT_OPEN = Reject(503, "ServiceUnavailableException", UNAVAILABLE.message)
