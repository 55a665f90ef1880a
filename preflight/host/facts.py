# SPDX-License-Identifier: Apache-2.0
"""All facts of one host, one dataclass per area, each defined beside its collector's field list.

Frozen values that can be written to JSON and read back (`preflight.host.codec`), so that
every check can run later, elsewhere, on recorded facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.records import dataclass, field

if TYPE_CHECKING:
    from preflight.host.areas.btf import BtfFacts
    from preflight.host.areas.context import ContextFacts
    from preflight.host.areas.helpers import HelperFacts
    from preflight.host.areas.instruments import InstrumentFacts
    from preflight.host.areas.maps import MapFacts
    from preflight.host.areas.policy import PolicyFacts
    from preflight.host.areas.privilege import PrivilegeFacts
    from preflight.host.areas.programs import ProgramFacts
    from preflight.host.areas.resources import ResourceFacts
    from preflight.host.areas.surfaces import SurfaceFacts


#: What `HostFacts.failures` says of an area that an interrupt kept from being looked at.
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class HostFacts:
    """All that was collected about one host.

    An area whose collector crashed, or that was not reached before an interrupt, is None, and `failures`
    says why.
    """

    context: ContextFacts | None
    btf: BtfFacts | None
    privilege: PrivilegeFacts | None
    policy: PolicyFacts | None
    programs: ProgramFacts | None
    maps: MapFacts | None
    helpers: HelperFacts | None
    surfaces: SurfaceFacts | None
    resources: ResourceFacts | None
    instruments: InstrumentFacts | None
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def interrupted(self) -> bool:
        """Whether an interrupt ended the collection early."""
        return INTERRUPTED in self.failures.values()
