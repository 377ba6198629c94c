"""The province twin: a seeded half-year of a province's dossiers with its own truth."""

from lgsp.simulation.spec import Format, ProvinceSpec, spec_from
from lgsp.simulation.truth import Truth
from lgsp.simulation.twin import simulate

__all__ = ["Format", "ProvinceSpec", "Truth", "simulate", "spec_from"]
