"""What rings Carlos over SIP on loopback: Debian's sipp and baresip, and phones of ours that speak and judge."""
