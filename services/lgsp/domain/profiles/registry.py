"""The rule profiles there are: the one place where a profile is made known."""

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.simple import SIMPLE

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (SIMPLE,)}


def profile_named(name: str) -> Profile:
    """Return the profile of that name; ConfigurationError with the known ones when none is."""
    if name not in PROFILES:
        raise ConfigurationError(f"profile {name!r} is none of: {', '.join(sorted(PROFILES))}")
    return PROFILES[name]


def known_figures() -> list[str]:
    """Return the names of the figures of all profiles, each once, in the order of documents."""
    return list(dict.fromkeys(f for p in PROFILES.values() for f in p.measures.figures))
