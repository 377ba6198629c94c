"""`python -m lgsp.cli`: the same as `lgsp`, for processes that we start ourselves."""

from lgsp.cli import main

main()
