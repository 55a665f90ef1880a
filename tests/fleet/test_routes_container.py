# SPDX-License-Identifier: Apache-2.0
"""The image of docs/routes/container: its recipe, its system call filter, and what it has to be given."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import containers
from tests.fleet.routes import PREFLIGHT, ROUTES, commands, tables
from tests.fleet.test_routes_kubernetes import CAPABILITIES, SECCOMP, needs_podman
from tests.fleet.test_routes_systemd import called
from tests.host.live import needs_loads

CONTAINERFILE = ROUTES / "container" / "Containerfile"
ROOT = ROUTES.parents[1]
JSON = ("check", "--no-cache", "--no-samples", "--exit-zero", "--format", "json")


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of the Containerfile, continued lines joined."""
    lines = [line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]  # type: ignore[misc]


def test_the_recipe_takes_only_what_is_needed_and_leaves_nothing_behind() -> None:
    found = instructions()
    assert [rest for word, rest in found if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    for word, rest in found:
        if word == "RUN" and "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert rest.rstrip().endswith("rm -rf /var/lib/apt/lists/*")
    last = found[max(n for n, (word, _) in enumerate(found) if word == "FROM") :]
    assert ("COPY", "--from=build /opt/preflight /opt/preflight") in last
    assert ("USER", "0") in last
    assert not any("pip" in rest for _, rest in last), "the image that is run cannot install anything"
    assert json.loads(dict(last)["ENTRYPOINT"]) == ["preflight"]
    assert json.loads(dict(last)["CMD"])[0] == "check"


# --- the system call filter


@cache
def allowed() -> frozenset[str]:
    (rule,) = json.loads(SECCOMP.read_text())["syscalls"]
    assert rule["action"] == "SCMP_ACT_ALLOW"
    return frozenset(rule["names"])


#: What a check has no reason to do, and what lets a program out of a container.
_NEVER = {
    "socket", "connect", "bind", "listen", "accept", "sendto", "recvfrom", "mount", "umount2",
    "pivot_root", "chroot", "unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev",
    "init_module", "finit_module", "delete_module", "kexec_load", "reboot", "swapon", "keyctl",
    "add_key", "request_key", "open_by_handle_at", "userfaultfd", "io_uring_setup", "personality",
    "chown", "fchown", "lchown", "chmod", "mknod", "move_mount", "fsopen", "open_tree", "sethostname",
    "settimeofday", "acct", "quotactl",
}  # fmt: skip


def test_the_filter_refuses_what_is_not_listed() -> None:
    profile = json.loads(SECCOMP.read_text())
    assert (profile["defaultAction"], profile["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)
    assert not allowed() & _NEVER
    names = profile["syscalls"][0]["names"]
    assert names == sorted(set(names))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_filter_allows_what_a_check_calls(tmp_path: Path) -> None:
    words = ("check", "--exit-zero", "--no-cache", "--format", f"prom={tmp_path}/p.prom")
    number = re.compile(r"syscall_0x1cd")  # lsm_list_modules(2), where strace is older than it
    assert {name for name in called(*words) if not number.match(name)} - allowed() == set()


# --- the command of the page, with this machine's files for the image


def run_command() -> list[str]:
    """The words of the page's `podman run`."""
    (found,) = [shlex.split(one) for one in commands("container.md") if one.startswith("podman run")]
    return found


def run_here(words: list[str], *command: str) -> subprocess.CompletedProcess[str]:
    """The page's `podman run`, on this machine's files; mounts that are not here are left out."""
    flags, image = words[2:-1], words[-1]
    assert image == "preflight"
    kept, rest = [], iter(flags)
    for word in rest:
        if word == "--volume":
            value = next(rest)
            kept += ["--volume", value] if Path(value.split(":")[0]).is_dir() else []
        else:
            kept.append(word.replace("seccomp=seccomp.json", f"seccomp={SECCOMP}"))
    path = f"PATH={PREFLIGHT.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    return subprocess.run(
        [
            *("podman", "--runtime", "runc", "run", *containers.LIMITS, *kept, "--env", path),
            *(*containers.ROOT, "preflight", *command),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def verdicts(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (one["code"], one["subject"]): (one["verdict"], one["severity"])
        for one in json.loads(text)["results"]
    }


@pytest.fixture(scope="module")
def inside() -> dict[str, Any]:
    """The answers in the container of the page, and those of root outside."""
    done = run_here(run_command(), *JSON)
    assert done.returncode == 0, done.stderr
    outside = subprocess.run([str(PREFLIGHT), *JSON], capture_output=True, text=True, check=True)
    return {"inside": verdicts(done.stdout), "outside": verdicts(outside.stdout)}


@needs_loads
@needs_podman
def test_a_container_answers_as_the_host_but_for_what_the_page_lists(inside: dict[str, Any]) -> None:
    listed = {
        code
        for cells in tables("container.md")
        if len(cells) == 3 and cells[1].startswith("`")
        for code in re.findall(r"PH\d{3}", cells[0])
    }
    here, there = inside["inside"], inside["outside"]
    differing = {key for key in here.keys() | there.keys() if here.get(key, "") != there.get(key, "")}
    assert {code for code, _ in differing} <= listed
    required = {key for key in differing if "required" in {(here.get(key) or there[key])[1]}}
    assert required == set()


@needs_loads
@needs_podman
def test_what_is_not_given_is_lost_as_the_page_says(inside: dict[str, Any]) -> None:
    rows = {cells[0].strip("`"): cells for cells in tables("container.md") if len(cells) == 3}
    assert [name for name, cells in rows.items() if cells[1] == "yes"] == CAPABILITIES
    given = [
        word for before, word in zip(run_command(), run_command()[1:], strict=False) if before == "--cap-add"
    ]
    assert given == CAPABILITIES
    assert inside["inside"]["PH106", ""][0] == "blocked"
    for code in re.findall(r"PH\d{3}", rows["BPF"][2] + rows["PERFMON"][2] + rows["NET_ADMIN"][2]):
        assert any(key[0] == code for key in inside["outside"]), code


@needs_podman
@pytest.mark.skipif(
    not all(name in Path("/proc/filesystems").read_text().split() for name in ("tracefs", "securityfs")),
    reason="this kernel has no tracefs or no securityfs",
)
def test_the_mounts_decide_what_the_page_says(tmp_path: Path) -> None:
    """Both file systems are mounted in a mount namespace of the test's own, and given to the container."""
    made = {name: tmp_path / name for name in ("tracefs", "securityfs")}
    for path in made.values():
        path.mkdir()
    words = [
        one for one in run_command() if "/sys/kernel/" not in one and "/boot" not in one and one != "--volume"
    ]
    answers = {}
    for given in (False, True):
        volumes = [
            "--volume",
            f"{made['tracefs']}:/sys/kernel/tracing:ro",
            "--volume",
            f"{made['securityfs']}:/sys/kernel/security:ro",
        ]
        flags = [*words[2:-1], *(volumes if given else [])]
        flags = [word.replace("seccomp=seccomp.json", f"seccomp={SECCOMP}") for word in flags]
        podman = [
            *("podman", "--runtime", "runc", "run", *containers.LIMITS, *flags),
            *(
                "--env",
                f"PATH={PREFLIGHT.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
                *containers.ROOT,
                "preflight",
                *JSON,
            ),
        ]
        script = 'for name in tracefs securityfs; do mount -t "$name" none "$1/$name"; done; shift; exec "$@"'
        done = subprocess.run(
            [
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-ec",
                script,
                "sh",
                str(tmp_path),
                *podman,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers[given] = {code: verdict for (code, _), (verdict, _) in verdicts(done.stdout).items()}
    assert (answers[False]["PH701"], answers[True]["PH701"]) == ("missing", "ok")
    assert (answers[False]["PH302"], answers[True]["PH302"]) == ("unknown", "ok")


# --- the image, built for real


@pytest.mark.network
@needs_podman
@pytest.mark.skipif(
    os.environ.get("PREFLIGHT_BUILD_IMAGE") != "1" or shutil.which("debootstrap") is None,
    reason="builds an image in two minutes: asked for by PREFLIGHT_BUILD_IMAGE=1, and needs debootstrap",
)
def test_the_image_is_built_and_checks_the_host(tmp_path: Path) -> None:
    """The base is a Debian from debootstrap, so that no registry of images is asked."""
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(CONTAINERFILE, context)
    release = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )["VERSION_CODENAME"]
    tree = tmp_path / "tree"
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "reports")
    shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
    wheels = str(context / "wheels")
    python = f"--python-version={sys.version_info.major}.{sys.version_info.minor}"

    def step(*words: str, where: Path = tmp_path) -> str:
        done = subprocess.run(words, cwd=where, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    step("debootstrap", "--variant=minbase", release, str(tree))
    step("sh", "-c", f"tar -C {tree} -c . | podman import -q - localhost/preflight-base:test")
    pip = (sys.executable, "-m", "pip")
    step(*pip, "wheel", "-q", "--no-deps", "--wheel-dir", wheels, ".", where=source)
    step(
        *pip,
        "download",
        "-q",
        "-d",
        wheels,
        "--only-binary=:all:",
        python,
        "--find-links",
        wheels,
        "bpf-preflight",
    )
    build = next(shlex.split(one) for one in commands("container.md") if one.startswith("podman build"))
    tag = "localhost/preflight-image:test"
    try:
        step(
            *("podman", "--runtime", "runc", "build", "--layers=false", "--network", "host"),
            *containers.LIMITS,
            *("--build-arg", "BASE=localhost/preflight-base:test", "--build-arg", "PIP_OPTIONS=--no-index"),
            *(word.replace("preflight", tag) if word == "preflight" else word for word in build[2:]),
            where=context,
        )
        flags = [word.replace("seccomp=seccomp.json", f"seccomp={SECCOMP}") for word in run_command()[2:-1]]
        out = step("podman", "--runtime", "runc", "run", *containers.LIMITS, *flags, tag, *JSON)
        assert verdicts(out)["PH202", ""][0] == "ok"
        assert verdicts(out)["PH201", ""][0] == "ok"
    finally:
        subprocess.run(
            ["podman", "image", "rm", "--force", tag, "localhost/preflight-base:test"],
            capture_output=True,
            check=False,
        )
