"""Who is alive and who looks after it: processes, the supervisor of `lgsp up`, systemd."""
