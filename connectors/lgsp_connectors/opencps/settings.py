"""Keys of an `opencps` YAML, and one to start from."""

from pydantic import Field

from lgsp_connectors.kit.config import Strict
from lgsp_connectors.kit.http import Auth, HeaderValue, WebAddress
from lgsp_connectors.kit.mapping.row_settings import (
    CodeSettings,
    StatusCode,
    TimeZone,
)

_PATH = "/o/rest/v2/dossiers"
STARTER = """\
# An OpenCPS v2 portal. Every key: docs/connectors/opencps.md
connector: opencps
portal: {name}
province: H37
source:
  url: http://127.0.0.1:8091
  group_id: "55301"
  auth:
    user: lgsp
    password: ${OPENCPS_PASSWORD}   # or password_file, token, token_file
# sub_statuses: {cho_phi: 6}     # looked up before dossierStatus
run:
  poll_seconds: 60
"""


class Source(Strict):
    """Where the portal is and how its list is read."""

    url: WebAddress = Field(description="Address of the portal, without a path.")
    path: str = Field(
        default=_PATH, pattern=r"^/", description="Path of the list (not confirmed)."
    )
    group_id: HeaderValue = Field(description="Value of the header groupId.")
    auth: Auth = Field(default=Auth(), description="How to log in.")
    sort: str = Field(default="modified", description="Sort key of the list (not confirmed).")
    page_rows: int = Field(default=200, gt=1, description="Dossiers a request.")
    timezone: TimeZone = Field(
        default="Asia/Ho_Chi_Minh", description="Zone of the portal's clock: of its dates."
    )
    overlap_minutes: int = Field(default=10, ge=0, description="How far a poll reads back again.")
    full_pass_hours: float = Field(
        default=24, ge=0, description="Hours between passes through the whole list; 0: none."
    )
    complete: bool = Field(
        default=True,
        description="The list holds every dossier: one that a full pass does not find is removed.",
    )
    timeout_seconds: float = Field(default=60, gt=0, description="Longest wait for one answer.")
    requests_per_second: float = Field(
        default=5, ge=0, description="Most requests a second; 0: no limit."
    )


class OpenCpsSettings(CodeSettings):
    """Keys of an `opencps` YAML besides those common to all connectors."""

    source: Source = Field(description="Where the portal is.")
    statuses: dict[str, StatusCode] = Field(
        default={},
        description="Word of dossierStatus: national status; added to the built-in words.",
    )
    sub_statuses: dict[str, StatusCode] = Field(
        default={}, description="Word of dossierSubStatus: national status; looked up first."
    )
