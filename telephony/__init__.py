"""The lines into Carlos: Twilio's webhooks, its media stream, and call control."""
