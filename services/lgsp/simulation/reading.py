"""The YAML with which the `files` connector reads a twin."""

from collections.abc import Mapping
from typing import Any

import yaml

from lgsp.domain.status import OFFICIAL_WORDS
from lgsp.simulation import flat, rows
from lgsp.simulation.spec import Format, ProvinceSpec

CONNECTOR_FILE = "connector.yaml"
_ZONE = "Asia/Ho_Chi_Minh"


def connector_yaml(spec: ProvinceSpec) -> str:
    """Write the connector's YAML; its path is relative to the twin's folder."""
    opencps = spec.format is Format.OPENCPS
    mapping = _flat_mapping() if opencps else _step_mapping()
    if spec.persons:
        mapping["sealed"] = dict(flat.PERSON_COLUMNS if opencps else rows.PERSON_COLUMNS)
    document = {
        "connector": "files",
        "portal": f"twin-{spec.province.lower()}",
        "province": spec.province,
        "source": {"path": "dossiers-*.jsonl.gz" if opencps else "steps-*.jsonl.gz"},
        "shape": "dossiers" if opencps else "steps",
        "mapping": mapping,
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _step_mapping() -> dict[str, Any]:
    return {
        "dossier_code": "MaHoSo",
        "agency": "MaDonVi",
        "procedure": "MaTTHC",
        "domain": "MaLinhVuc",
        "service_level": _words("MucDo", rows.LEVEL_WORDS),
        "channel": _words("KenhNop", rows.CHANNEL_WORDS),
        "status": _words("TrangThai", OFFICIAL_WORDS),
        **{
            attribute: {"field": column, "timezone": _ZONE}
            for attribute, column in rows.DATE_COLUMNS.items()
        },
    }


def _flat_mapping() -> dict[str, Any]:
    return {
        "dossier_code": "dossierNo",
        "agency": "govAgencyCode",
        "procedure": "serviceCode",
        "domain": "domainCode",
        "service_level": _words("serviceLevel", flat.LEVELS),
        "channel": flat.CHANNEL_COLUMN,
        "status": _words("dossierStatus", flat.STATUS_WORDS),
        **{
            attribute: {"field": column, "format": "%d/%m/%Y %H:%M:%S", "timezone": _ZONE}
            for attribute, column in flat.DATE_COLUMNS.items()
        },
    }


def _words(column: str, words: Mapping[Any, str | int]) -> dict[str, Any]:
    known = {str(word): value.name for value, word in words.items()}
    return {"field": column, "map": known, "default": "reject"}
