# SPDX-License-Identifier: Apache-2.0
"""From a label down to what stops its hosts: kernels, objects and causes, by hosts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from preflight.fleet.judge import COUNTED, Result

#: Values of one label shown, those with most hosts first; the others are counted.
_VALUES = 200
#: Kernels, objects and causes named for one value.
_NAMED = 8
_WORDS = ("pass", "fail", "undecided", "not_tested")


def labels(
    counted: Mapping[tuple[str, str], Counter[int]], worst: Mapping[int, str], kernels: Mapping[int, str],
    results: Sequence[Result],
) -> list[dict[str, Any]]:  # fmt: skip
    """Each label with its values, by hosts: how many, what they come to, where and why.

    `counted` has hosts by (key, value) and group; `worst` what a group's hosts count as, `kernels` its
    kernel's name. Groups that are not in `worst` have no hosts any more.
    """
    keys: dict[str, list[tuple[str, Counter[int]]]] = {}
    for (key, value), groups in counted.items():
        here = Counter({number: hosts for number, hosts in groups.items() if hosts and number in worst})
        if here:
            keys.setdefault(key, []).append((value, here))
    stops = _Stops(results)
    found = []
    for key, values in sorted(keys.items()):
        values.sort(key=lambda one: (-one[1].total(), one[0]))
        found.append(
            {
                "label": key,
                "distinct": len(values),
                "values": [
                    {
                        "value": value,
                        "hosts": here.total(),
                        "hosts_by": _by_word(here, worst),
                        "kernels": _most("kernel", _weighed(here, lambda number: (kernels[number],))),
                        "objects": _most("object", _weighed(here, stops.objects)),
                        "causes": _most("id", _weighed(here, stops.causes)),
                    }
                    for value, here in values[:_VALUES]
                ],
            }
        )
    return found


class _Stops:
    """What fails, by group: objects, and the causes of it."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._objects: dict[int, list[str]] = {}
        self._causes: dict[int, dict[str, None]] = {}
        for one in results:
            if COUNTED[one.state] == "fail":
                self._objects.setdefault(one.group, []).append(one.object)
                self._causes.setdefault(one.group, {}).update(dict.fromkeys(one.causes))

    def objects(self, group: int) -> Iterable[str]:
        return self._objects.get(group, ())

    def causes(self, group: int) -> Iterable[str]:
        return self._causes.get(group, ())


def _by_word(here: Mapping[int, int], worst: Mapping[int, str]) -> dict[str, int]:
    given: Counter[str] = Counter()
    for number, hosts in here.items():
        given[worst[number]] += hosts
    return {word: given[word] for word in _WORDS}


def _weighed(here: Mapping[int, int], names: Callable[[int], Iterable[str]]) -> Counter[str]:
    given: Counter[str] = Counter()
    for number, hosts in here.items():
        for name in names(number):
            given[name] += hosts
    return given


def _most(word: str, given: Mapping[str, int]) -> list[dict[str, Any]]:
    """The first by hosts."""
    order = sorted(given.items(), key=lambda item: (-item[1], item[0]))
    return [{word: name, "hosts": hosts} for name, hosts in order[:_NAMED]]
