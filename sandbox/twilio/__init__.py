"""A Twilio double on loopback, recorded callers to phone with, and people to be phoned.

It signs and posts the voice webhook, runs the TwiML, opens the signed media socket, streams the caller in
real time, plays and marks what the server sends, follows `<Connect action>` or the next verb, sends the
status callbacks and answers the REST API. For the server it calls people, puts calls into conferences and
keeps its messages; what is configured on the number can be read and changed.
"""
