"""The province twin: a seeded half-year of a province's dossiers with its own truth."""

from lgsp.mocks.province.spec import Format, ProvinceSpec, spec_from
from lgsp.mocks.province.truth import Truth
from lgsp.mocks.province.twin import simulate

__all__ = ["Format", "ProvinceSpec", "Truth", "simulate", "spec_from"]
