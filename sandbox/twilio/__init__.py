"""A Twilio double on loopback, and recorded callers to phone with.

It signs and posts the voice webhook, runs the TwiML, opens the signed media socket, streams the caller in
real time, plays and marks what the server sends, follows `<Connect action>` or the next verb, sends the
status callbacks and answers the REST API.
"""
