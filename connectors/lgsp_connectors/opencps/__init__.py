"""The `opencps` connector: dossiers of an OpenCPS v2 portal, by its REST list, newest first."""

from lgsp_connectors.opencps.connector import OpenCps

__all__ = ["OpenCps"]
