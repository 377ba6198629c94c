"""Forms of the codes in use (Decree 61/2018, Decision 20/2020, QCVN 102:2016)."""

import re

_AGENCY = r"(?:\d{3}\.\d{2}\.\d{2}\.[GH]\d{2}|[GH]\d{2}(?:\.\d{1,3}){0,3})"
PROVINCE = re.compile(r"[GH]\d{2}", re.ASCII)  # other scripts have digits, too
DOSSIER = re.compile(rf"{_AGENCY}-(?:\d{{6}}|\d{{8}})-\d{{4,7}}", re.ASCII)
PROCEDURE = re.compile(r"\d\.\d{6}(?:\.\d{3}\.\d{2}\.\d{2}\.[GH]\d{2})?", re.ASCII)


def is_province(code: str) -> bool:
    """Tell whether `code` is a province's or a ministry's (H37, G22)."""
    return PROVINCE.fullmatch(code) is not None


def is_dossier(code: str) -> bool:
    """Tell whether `code` is a dossier code: agency, reception date, daily sequence."""
    return DOSSIER.fullmatch(code) is not None


def is_procedure(code: str) -> bool:
    """Tell whether `code` is a national procedure code, with or without a province's suffix."""
    return PROCEDURE.fullmatch(code) is not None


def national_procedure(code: str) -> str:
    """Drop the province's suffix: 1.001612.000.00.00.H48 -> 1.001612; other codes as they are."""
    return code[:8] if is_procedure(code) else code


def in_unit(agency: str, unit: str) -> bool:
    """Tell whether `agency` is `unit` or below it; H5 does not contain H56 (dot boundary).

    A province's code also contains its agencies' old-form codes (000.00.12.H37).
    """
    return (
        agency == unit
        or agency.startswith(unit + ".")
        or (is_province(unit) and agency.endswith("." + unit))
    )


def child_unit(agency: str, unit: str) -> str:
    """Return the unit right below `unit` that contains `agency`, which must be in `unit`.

    `unit` "" is above the provinces. An agency without a unit between is its own child.
    """
    if not unit:
        province = agency.rpartition(".")[2]
        return province if is_province(province) else agency.partition(".")[0]
    if not agency.startswith(unit + "."):
        return agency
    return unit + "." + agency[len(unit) + 1 :].partition(".")[0]


_IN_SPACE = re.compile(r"([a-z0-9-]+):(.+)", re.DOTALL)


def in_space(code: str, portal: str) -> str:
    """Give a dossier's code as it stands on the log.

    A code of the national form names one dossier everywhere; any other one stands in the space of
    its portal, `portal:code`, so that equal local codes of two portals stay two dossiers.
    """
    return code if is_dossier(code) else f"{portal}:{code}"


def split_space(code: str) -> tuple[str, str]:
    """Give the portal in whose space a code of the log stands ("": in none), and the code."""
    found = None if is_dossier(code) else _IN_SPACE.fullmatch(code)
    return (found[1], found[2]) if found else ("", code)
