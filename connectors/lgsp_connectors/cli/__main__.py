"""`python -m lgsp_connectors.cli`: the same as `lgsp-connect`, for processes started by `lgsp`."""

from lgsp_connectors.cli import main

main()
