"""SIP as a carrier: a trunk, a PBX or a SIP phone reaches Carlos without Twilio (docs/sip.md)."""
