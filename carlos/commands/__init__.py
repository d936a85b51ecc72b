"""The subcommands of `carlos`, one a file."""
