"""What a caller hears when things break: whole calls with one fault each, ours beside stock pipecat."""
