"""Which kinds of dossier fail while the portal works: procedures and units. Pure."""

from lgsp.domain.codes import national_procedure
from lgsp.domain.dossier import Dossier

Kind = tuple[str, str]
"""What is common to many dossiers: its name and value, as ("procedure", "1.001612")."""

_MANY = 3  # different dossiers in a row


def kinds_of(dossier: Dossier) -> tuple[Kind, ...]:
    """Return the kinds of a dossier, the narrower one first."""
    return (
        ("procedure", national_procedure(dossier.procedure)),
        ("unit", dossier.agency),
    )


class FailingKinds:
    """A kind fails from when several different dossiers of it have failed, until one is done."""

    def __init__(self) -> None:
        self._failed: dict[Kind, set[str]] = {}
        self._causes: dict[Kind, str] = {}

    def failed(self, code: str, kinds: tuple[Kind, ...], cause: str) -> None:
        """Note that a dossier failed; a kind that fails as a whole explains it for the others."""
        for kind in kinds:
            codes = self._failed.setdefault(kind, set())
            if len(codes) < _MANY:
                codes.add(code)
            self._causes[kind] = cause
            if len(codes) >= _MANY:
                return

    def worked(self, kinds: tuple[Kind, ...]) -> None:
        """Note that the portal worked on a dossier of these kinds."""
        for kind in kinds:
            self._failed.pop(kind, None)
            self._causes.pop(kind, None)

    def why(self, kinds: tuple[Kind, ...]) -> str:
        """Say which of the kinds fails, and of what; "" when none does."""
        for kind in kinds if self._failed else ():
            if len(self._failed.get(kind, ())) >= _MANY:
                name, value = kind
                return f"others of {name} {value} fail: {self._causes[kind]}"
        return ""
