"""What `carlos check` looks at before a call does, one thing a file."""
