# SPDX-License-Identifier: Apache-2.0
"""A client of a Dask scheduler: where it is, with which certificates, and whether it has the same preflight.

Connects to the scheduler, and listens nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.errors import InstrumentError, PreflightError, UsageError

_MISSING = "--dask needs Dask: pip install 'bpf-preflight[dask]'"
#: As package installers know it.
_PACKAGE = "bpf-preflight"
_SCHEMES = ("tcp", "tls")
#: The files of `--dask-tls FOLDER`, by the name that Dask has for them.
TLS_FILES = {"tls_ca_file": "ca.pem", "tls_client_cert": "cert.pem", "tls_client_key": "key.pem"}
#: Seconds between two looks for workers.
_LOOK = 0.25
#: Seconds a closing connection may take.
_CLOSE = 5.0


@dataclass(frozen=True, slots=True)
class Address:
    """A scheduler: `tcp://HOST:PORT` or `tls://HOST:PORT`; `tls`: the folder with certificates, if given."""

    url: str
    tls: Path | None = None

    @property
    def open(self) -> bool:
        """Whether others on the way can read and change what is sent."""
        host = self.url.partition("://")[2].rpartition(":")[0].strip("[]")
        return (
            self.url.startswith("tcp:") and host not in ("localhost", "::1") and not host.startswith("127.")
        )


def address(text: str, tls: str = "") -> Address:
    """The address that was named: `tcp://HOST:PORT`, `tls://HOST:PORT`, or `HOST:PORT` for the first of them,
    for the second with a folder of certificates. UsageError for anything else."""
    scheme, mark, place = text.partition("://")
    if not mark:
        scheme, place = "tls" if tls else "tcp", text
    host, _, port = place.rstrip("/").rpartition(":")
    if scheme not in _SCHEMES or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"--dask {text[:120]!r}: tcp://HOST:PORT or tls://HOST:PORT of a Dask scheduler")
    folder = Path(tls) if tls else None
    if folder is not None:
        if scheme != "tls":
            raise UsageError("--dask-tls needs a tls:// address")
        for name in TLS_FILES.values():
            if not (folder / name).is_file():
                raise UsageError(f"--dask-tls {tls[:120]}: there is no {name} in it")
    return Address(f"{scheme}://{host}:{port}", folder)


def connect(where: Address) -> tuple[Any, float]:
    """A client of the scheduler, and how many seconds Dask waits for connections."""
    try:
        import dask
        import distributed
    except ImportError:
        raise InstrumentError(_MISSING) from None
    import logging
    import warnings

    # what goes wrong is said once, by us
    for name in ("distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", category=UserWarning, module="distributed")
    warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
    patience = _seconds(dask.config.get("distributed.comm.timeouts.connect"))
    try:
        client = distributed.Client(
            where.url, timeout=patience, security=_security(where), set_as_default=False, name="preflight",
            heartbeat_interval="5s", connection_limit=64,
        )  # fmt: skip
    except PreflightError:
        raise
    except Exception as error:
        raise InstrumentError(f"cannot reach a Dask scheduler at {where.url}: {words(error)}") from None
    return client, patience


def _seconds(value: Any) -> float:
    from dask.utils import parse_timedelta

    return float(parse_timedelta(value, default="s"))


def _security(where: Address) -> Any:
    """Certificates from the folder, else from Dask's configuration. UsageError where TLS finds none."""
    from distributed.security import Security

    if where.tls is not None:
        files = {key: str(where.tls / name) for key, name in TLS_FILES.items()}
        security = Security(require_encryption=True, **files)
    else:
        security = Security()
    if where.url.startswith("tls:"):
        try:
            ready = security.get_connection_args("client").get("ssl_context") is not None
        except (OSError, ValueError) as error:
            raise UsageError(f"the certificates for {where.url} cannot be used: {words(error)}") from None
        if not ready:
            raise UsageError(
                f"{where.url} needs certificates: --dask-tls FOLDER, "
                "or distributed.comm.tls in Dask's configuration"
            )
    return security


def words(error: BaseException) -> str:
    """What went wrong, in one line; of a chain the first cause, which says most."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:200]


def same_preflight(client: Any, where: Address, patience: float) -> dict[str, int]:
    """Threads by worker, as soon as there is one. InstrumentError when there is none in time, or when the
    cluster's preflight or Python is not the one here."""
    from preflight.matrix.there import fingerprint

    until = time.monotonic() + patience
    try:
        while not (threads := dict(client.nthreads())):
            if time.monotonic() >= until:
                raise InstrumentError(
                    f"the Dask scheduler at {where.url} has no workers (waited {patience:.0f} s)"
                )
            time.sleep(_LOOK)
        wrong = differences(client.get_versions(packages=[_PACKAGE]))
        if wrong:
            raise InstrumentError(_first_of(wrong))
        answers = client.run(fingerprint, on_error="return")
    except PreflightError:
        raise
    except Exception as error:
        raise InstrumentError(f"the Dask scheduler at {where.url} does not answer: {words(error)}") from None
    mine = fingerprint()
    other = [
        f"{place} has {_said(answer)}; here it is {mine}"
        for place, answer in answers.items()
        if answer != mine
    ]
    if other:
        raise InstrumentError(_first_of(other))
    return threads


def _said(answer: Any) -> str:
    return f"no usable preflight ({words(answer)})" if isinstance(answer, BaseException) else str(answer)


def _first_of(wrong: list[str]) -> str:
    more = f" (and {len(wrong) - 1} more like it)" if len(wrong) > 1 else ""
    return f"{wrong[0]}; the cluster's preflight and Python must be those of this machine{more}"


def differences(versions: Mapping[str, Any]) -> list[str]:
    """Where the scheduler or a worker has another Python or preflight; from Dask's `get_versions`."""
    here = _versions(versions["client"])
    places = {"the scheduler": versions["scheduler"]}
    places |= {f"worker {name}": told for name, told in sorted(versions["workers"].items())}
    wrong = []
    for place, told in places.items():
        for what, own, other in zip(("Python", "preflight"), here, _versions(told), strict=True):
            if other is None and own is not None:
                wrong.append(f"{place} has no {what}; here it is {own}")
            elif own is not None and other != own:
                wrong.append(f"{place} has {what} {other}; here it is {own}")
    return wrong


def _versions(told: Any) -> tuple[str | None, str | None]:
    """Python's as `3.12`, and preflight's."""
    if not isinstance(told, Mapping):
        return None, None
    python = str(told.get("host", {}).get("python", ""))
    return ".".join(python.split(".")[:2]) or None, told.get("packages", {}).get(_PACKAGE)


def close(client: Any) -> None:
    """Close the connection, in a few seconds at most."""
    with suppress(Exception):
        client.close(timeout=_CLOSE)
