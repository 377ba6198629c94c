"""The working calendar of Vietnam and the decisions that change it."""
