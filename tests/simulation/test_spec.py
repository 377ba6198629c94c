"""The quotas: the published integers at full size, the published percentages at any other."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.figures import percent
from lgsp.simulation.spec import Format, ProvinceSpec, quotas, spec_from


def test_full_size_is_the_published_half_year() -> None:
    found = quotas(171_997)

    assert (171_997, 168_014, 169_123, 1_912) == found[:4]
    assert found.withdrawn + found.open == 171_997 - 171_035


@given(st.integers(min_value=1000, max_value=2_000_000))
def test_any_size_keeps_the_percentages(received: int) -> None:
    found = quotas(received)

    assert percent(found.online, received) == 97.7
    assert percent(found.good, found.good + found.late) == 98.9


@given(st.integers(min_value=1, max_value=1000))
def test_small_sizes_add_up(received: int) -> None:
    found = quotas(received)

    assert min(found) >= 0
    assert found.online <= received
    assert found.good + found.late + found.withdrawn + found.open == received


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"province": "Lạng Sơn"}, "--province 'Lạng Sơn'"),
        ({"first": date(2024, 7, 1)}, "--to 2024-06-30 is before --from 2024-07-01"),
        ({"dossiers": 0}, "--dossiers 0"),
        ({"corrupt": 1.5}, "--corrupt 1.5"),
        ({"late": float("nan")}, "--late nan"),
    ],
)
def test_a_bad_spec_names_the_option(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ProvinceSpec(**fields)


def test_a_spec_survives_truth_json() -> None:
    spec = ProvinceSpec(dossiers=5, late=0.1, format=Format.OPENCPS, persons=True)

    assert spec == spec_from(spec.document())
