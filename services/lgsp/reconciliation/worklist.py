"""What cannot be mended from here: by who has to act, the oldest first."""

from collections.abc import Iterable, Iterator

from lgsp.domain.working_time import DAY_MS
from lgsp.reconciliation.findings import Finding, causes_of

HEADER = ("owner", "days", "dossier", "class", "cause", "what to do")


def work_rows(findings: Iterable[Finding], now: int) -> Iterator[list[str]]:
    """Give a row each, by owner and age; those that a push mends are left out.

    Args:
        findings: of a sweep, a list or a plan.
        now: ms UTC; ages are whole days since the dossier took its newest status.
    """
    left = [finding for finding in findings if not finding["sends"]]
    left.sort(key=lambda each: (each["owner"], each["since"] or now, each["dossier"]))
    for finding in left:
        since, causes = finding["since"], causes_of(finding)
        yield [
            finding["owner"],
            "" if since is None else str((now - since) // DAY_MS),
            finding["dossier"],
            ", ".join(causes),
            "; ".join(dict.fromkeys(cause for cause in causes.values() if cause)),
            finding["advice"],
        ]
