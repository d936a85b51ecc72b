"""The original browser client on loopback: its protocol, what it shows, and the player behind its loudspeaker."""
