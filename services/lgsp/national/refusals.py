"""Tells a portal that refuses everything from dossiers that are bad.

A portal whose database is away may answer each call with a code of refusal and words that no
table knows. Where many dossiers of several procedures are refused in the same words and none is
done meanwhile, they are tried again instead of parked, and those parked before are too once one
is done.
"""

import re
from dataclasses import replace

import structlog

from lgsp.national.pushed import DONE, PushResult
from lgsp.national.settlement import Finished

_MANY = 10  # different dossiers
_PROCEDURES = 2
_OF_ONE_DOSSIER = re.compile(r"\S*\d\S*")
_INTERNAL = "internal"


class Refusals:
    """Refusals since the last dossier that was done."""

    def __init__(self) -> None:
        self._parked: dict[str, set[str]] = {}  # words -> codes
        self._procedures: dict[str, set[str]] = {}  # words -> procedures
        self._taken_back: list[str] = []
        self._log = structlog.get_logger().bind(part="dispatcher")

    def judged(self, finished: Finished) -> Finished:
        """Return the push as it is to be settled: a refusal of everything is to be tried again."""
        taken, pushed, _ = finished
        if pushed.result in DONE:
            self._worked()
        if pushed.result is not PushResult.REFUSED or pushed.error_code == _INTERNAL:
            return finished
        words = _OF_ONE_DOSSIER.sub("", pushed.reason)
        if not self._are_of_the_portal(words):
            self._parked.setdefault(words, set()).add(taken.waiting.code)
            kinds = (value for _, value in taken.kinds[:1])
            self._procedures.setdefault(words, set()).update(kinds)
            if self._are_of_the_portal(words):
                self._log.warning("national_portal_refuses_all", reason=pushed.reason)
            return finished
        again = replace(pushed, result=PushResult.RETRY, certain=False)
        return finished._replace(pushed=again, blamed=True)

    def taken_back(self) -> list[str]:
        """Return the dossiers that were parked by such a refusal which is over, once each."""
        codes, self._taken_back = self._taken_back, []
        return codes

    def _are_of_the_portal(self, words: str) -> bool:
        codes, procedures = self._parked.get(words, ()), self._procedures.get(words, ())
        return len(codes) >= _MANY and len(procedures) >= _PROCEDURES

    def _worked(self) -> None:
        for words, codes in self._parked.items():
            if self._are_of_the_portal(words):
                self._taken_back += sorted(codes)
        self._parked.clear()
        self._procedures.clear()
