"""Stand-ins that behave: the national portal, an OpenCPS portal, the province twin."""
