"""mini-LGSP: right of the log (processors, feed, mocks) and the kit that both sides share."""
