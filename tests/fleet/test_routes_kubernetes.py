# SPDX-License-Identifier: Apache-2.0
"""The manifests of docs/routes/kubernetes: valid, no more privileged than their page says, and run as is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.fleet import containers
from tests.fleet.routes import PREFLIGHT, ROUTES, commands, tables
from tests.fleet.test_routes_nfd import worker
from tests.host.live import needs_loads
from tests.predict.worlds import program

FOLDER = ROUTES / "kubernetes"
#: NodeFeatureRule is NFD's own kind; test_routes_nfd.py evaluates it.
BUILT_IN = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "nodefeaturerule.yaml")
#: Asks what capabilities and filters decide, and nothing else.
ASK = ["preflight", "check", "--no-cache", "--no-samples", "--exit-zero", "--format", "json"]
ASK += ["--select", "PH2", "--select", "PH4"]
WORKLOADS = [name for name in BUILT_IN if name != "namespace.yaml"]
SECCOMP = ROUTES / "container" / "seccomp.json"
CAPABILITIES = ["BPF", "PERFMON", "NET_ADMIN"]
needs_podman = pytest.mark.usefixtures("podman")


@cache
def manifest(name: str) -> dict[str, Any]:
    """The only document of a file."""
    (document,) = yaml.safe_load_all((FOLDER / name).read_text())
    loaded: dict[str, Any] = document
    return loaded


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = manifest(name)["spec"]["template"]["spec"]
    return spec


def containers_of(name: str) -> Iterator[dict[str, Any]]:
    yield from pod(name).get("initContainers", ())
    yield from pod(name)["containers"]


def asking(name: str) -> dict[str, Any]:
    """The container that runs preflight with capabilities."""
    (one,) = [
        c
        for c in containers_of(name)
        if ("preflight" in c["image"] and "command" not in c) or "sh" in c.get("command", ())
    ]
    return one


@pytest.mark.parametrize("version", ["1.31", "1.33", "1.35", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", BUILT_IN)
def test_kubernetes_takes_the_manifest(name: str, version: str) -> None:
    """Strict: a misspelt member is an error, not a setting that is silently left out."""
    kubernetes_validate.validate(manifest(name), version, strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_reads_what_we_read(tmp_path: Path) -> None:
    """`kubectl kustomize` parses and prints manifests without a cluster, YAML anchors unfolded."""
    names = sorted(path.name for path in FOLDER.glob("*.yaml"))
    for name in names:
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / "kustomization.yaml").write_text(json.dumps({"resources": names}))
    done = subprocess.run(["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=True)
    read = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}
    ours = {(one["kind"], one["metadata"]["name"]): one for one in map(manifest, names)}
    assert read == ours


def test_a_misspelt_member_would_be_found() -> None:
    wrong = json.loads(json.dumps(manifest("gate.yaml")))
    wrong["spec"]["template"]["spec"]["hostPIDs"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", WORKLOADS)
def test_no_container_has_more_than_the_page_says(name: str) -> None:
    assert not {"hostPID", "hostIPC", "hostNetwork"} & set(pod(name))
    assert pod(name)["automountServiceAccountToken"] is False
    for one in containers_of(name):
        context = one["securityContext"]
        added = context["capabilities"].get("add", [])
        assert context["capabilities"]["drop"] == ["ALL"]
        assert added in ([], CAPABILITIES)
        assert context["runAsUser"] == (0 if added else 65534), "capabilities are added for user 0 only"
        assert "privileged" not in context
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert one["resources"]["limits"]["memory"]
        assert set(one["resources"]["requests"]) == {"cpu", "memory"}
        assert ":" in one["image"]
        assert not one["image"].endswith(":latest")


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_host_is_mounted_read_only_and_no_more_of_it_than_is_used(name: str) -> None:
    volumes = {volume["name"]: volume for volume in pod(name).get("volumes", ())}
    mounted = [mount for one in containers_of(name) for mount in one.get("volumeMounts", ())]
    assert {mount["name"] for mount in mounted} == set(volumes)
    writable = {
        volumes[mount["name"]]["hostPath"]["path"]
        for mount in mounted
        if "hostPath" in volumes[mount["name"]] and not mount.get("readOnly")
    }
    assert writable == (
        {"/etc/kubernetes/node-feature-discovery/features.d"} if name == "nfd.yaml" else set()
    )
    host = {volume["hostPath"]["path"] for volume in volumes.values() if "hostPath" in volume} - writable
    assert host == {"/sys/kernel/tracing", "/sys/kernel/security", "/boot"}


@pytest.mark.parametrize("name", WORKLOADS)
def test_labels_of_pods_are_those_that_are_selected(name: str) -> None:
    document = manifest(name)
    labels = document["spec"]["template"]["metadata"]["labels"]
    if "selector" in document["spec"]:
        assert document["spec"]["selector"]["matchLabels"] == labels
    assert document["metadata"]["namespace"] == manifest("namespace.yaml")["metadata"]["name"]
    assert len({one["name"] for one in containers_of(name)}) == len(list(containers_of(name)))


def test_the_job_takes_answers_for_answers() -> None:
    """Codes of preflight that the same question gives again; 4 (it failed) and kills are worth a try."""
    from preflight.cli.exits import Exit

    (rule,) = manifest("job.yaml")["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [Exit.FINDINGS, Exit.USAGE, Exit.UNDECIDED]
    assert rule["onExitCodes"]["containerName"] == asking("job.yaml")["name"]
    assert pod("job.yaml")["restartPolicy"] == "Never"


# --- run with what the manifests give


@pytest.fixture
def volumes(tmp_path: Path) -> dict[str, Path]:
    """The volumes of the manifests: an object that any kernel takes, and the host's folders."""
    made = {name: tmp_path / name for name in ("objects", "features")}
    for path in made.values():
        path.mkdir()
    (made["objects"] / "agent.bpf.o").write_bytes(program("socket").data)
    host = {"tracing": "/sys/kernel/tracing", "security": "/sys/kernel/security", "boot": "/boot"}
    return made | {name: Path(path) for name, path in host.items() if Path(path).is_dir()}


@needs_loads
@needs_podman
@pytest.mark.parametrize("name", ["gate.yaml", "job.yaml"])
@pytest.mark.parametrize(
    ("section", "code"), [("socket", 0), ("fentry/preflight_has_no_such_function", 1)], ids=["ready", "not"]
)
def test_the_gate_lets_the_object_pass_where_it_runs(
    name: str, section: str, code: int, volumes: dict[str, Path], tmp_path: Path
) -> None:
    (volumes["objects"] / "agent.bpf.o").write_bytes(program(section).data)
    done = containers.run(asking(name), volumes, containers.runtime_default(tmp_path))
    assert done.returncode == code, done.stdout + done.stderr
    assert "READY: this host for agent.bpf.o" in done.stdout


@needs_loads
@needs_podman
def test_tracing_programs_load_with_the_capabilities_of_the_manifest(
    volumes: dict[str, Path], tmp_path: Path
) -> None:
    """What the three capabilities decide is decided as for root; no required check is worse."""
    inside = containers.run(asking("gate.yaml"), volumes, containers.runtime_default(tmp_path), words=ASK)
    assert inside.stdout, inside.stderr
    outside = subprocess.run([str(PREFLIGHT), *ASK[1:]], capture_output=True, text=True, check=True)
    answers = [
        {
            (one["code"], one["subject"]): one["verdict"]
            for one in json.loads(text)["results"]
            if one["code"] not in ("PH207",)  # kernel addresses: CAP_SYSLOG, which the page names
        }
        for text in (inside.stdout, outside.stdout)
    ]
    assert answers[0] == answers[1]


@needs_loads
@needs_podman
def test_each_capability_of_the_manifest_is_needed(volumes: dict[str, Path]) -> None:
    """With our own filter, which lets bpf(2) pass: what is lost is lost for want of the capability."""
    lost = {}
    for left_out in CAPABILITIES:
        container = json.loads(json.dumps(asking("gate.yaml")))
        container["securityContext"]["capabilities"]["add"].remove(left_out)
        done = containers.run(container, volumes, SECCOMP, words=ASK)
        lost[left_out] = {
            (one["code"], one["subject"])
            for one in json.loads(done.stdout)["results"]
            if one["verdict"] == "blocked"
        }
    assert {("PH202", ""), ("PH401", "kprobe"), ("PH401", "xdp"), ("PH401", "sk_lookup")} <= lost["BPF"]
    assert {("PH202", ""), ("PH401", "kprobe"), ("PH401", "tracing")} <= lost["PERFMON"]
    assert ("PH401", "xdp") not in lost["PERFMON"]
    assert {("PH401", "xdp"), ("PH401", "sched_cls"), ("PH401", "sock_ops")} <= lost["NET_ADMIN"]
    assert not {("PH202", ""), ("PH401", "kprobe")} & lost["NET_ADMIN"]


@needs_loads
@needs_podman
def test_a_runtime_that_wants_sys_admin_is_named_as_the_reason(
    volumes: dict[str, Path], tmp_path: Path
) -> None:
    old = containers.runtime_default(tmp_path, old=True)
    if '"CAP_BPF"' in old.read_text():
        pytest.skip("this machine's containers-common knows CAP_BPF")
    done = containers.run(asking("gate.yaml"), volumes, old, words=ASK)
    problems = {one["code"]: one for one in json.loads(done.stdout)["results"] if one["verdict"] == "blocked"}
    assert {"PH201", "PH204"} <= set(problems)
    assert "seccomp" in json.dumps(problems["PH204"])
    again = json.loads(containers.run(asking("gate.yaml"), volumes, SECCOMP, words=ASK).stdout)
    verdicts = {one["code"]: one["verdict"] for one in again["results"] if one["code"] in ("PH201", "PH202")}
    assert verdicts == {"PH201": "ok", "PH202": "ok"}


@needs_podman
def test_every_node_prints_one_line_of_facts(volumes: dict[str, Path], tmp_path: Path) -> None:
    container = asking("collect.yaml")
    lines = []
    for cluster in ("one", "two"):
        here = json.loads(json.dumps(container))
        here["env"][0]["value"] = cluster
        done = containers.run(here, volumes, containers.runtime_default(tmp_path))
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        lines.append(done.stdout)
    (tmp_path / "facts.jsonl").write_text("".join(lines))
    done = subprocess.run(
        [str(PREFLIGHT), "fleet", "facts.jsonl", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    result = json.loads(done.stdout)
    assert result["summary"]["hosts"] == 2
    assert [(one["label"], one["distinct"]) for one in result["labels"]] == [("cluster", 2)]


@needs_podman
def test_the_feature_file_is_written_through_the_only_writable_mount(
    volumes: dict[str, Path], tmp_path: Path
) -> None:
    container = asking("nfd.yaml")
    words = [word.replace("sleep 3600", "exit 0") for word in containers.words_of(container)]
    assert words != containers.words_of(container)
    done = containers.run(container, volumes, containers.runtime_default(tmp_path), words=words)
    assert done.returncode == 0, done.stdout + done.stderr
    from datetime import UTC, datetime

    read = worker((volumes["features"] / "preflight").read_text(), datetime.now(UTC))
    assert "feature.node.kubernetes.io/preflight.verdict" in read.labels
    assert [path.name for path in volumes["features"].iterdir()] == ["preflight"]


@needs_podman
@pytest.mark.parametrize("name", ["gate.yaml", "collect.yaml"])
def test_what_needs_no_rights_runs_without_any(name: str, tmp_path: Path) -> None:
    """The container that copies the object, and the one that does nothing."""
    (one,) = [c for c in containers_of(name) if not c["securityContext"]["capabilities"].get("add")]
    shared = tmp_path / "objects"
    shared.mkdir()
    shared.chmod(0o777)  # an emptyDir's mode
    words = {"cp": ["cp", "/etc/hostname", "/objects/agent.bpf.o"], "sleep": ["sleep", "0"]}[
        one["command"][0]
    ]
    done = containers.run(one, {"objects": shared}, containers.runtime_default(tmp_path), words=words)
    assert done.returncode == 0, done.stderr
    assert (shared / "agent.bpf.o").exists() is (name == "gate.yaml")


# --- the page


def test_the_page_says_what_the_manifests_have() -> None:
    rows = {cells[0].replace("`", ""): cells for cells in tables("kubernetes.md") if len(cells) == 3}
    context = asking("gate.yaml")["securityContext"]
    assert rows["runAsUser"][1] == str(context["runAsUser"])
    assert re.findall(r"`(\w+)`", rows["capabilities"][1]) == ["ALL", *context["capabilities"]["add"]]
    assert rows["readOnlyRootFilesystem"][1] == str(context["readOnlyRootFilesystem"]).lower()
    assert rows["allowPrivilegeEscalation"][1] == str(context["allowPrivilegeEscalation"]).lower()
    assert context["seccompProfile"]["type"] in rows["seccompProfile"][1]
    limit = asking("gate.yaml")["resources"]["limits"]["memory"]
    assert rows["resources"][1] == f"{limit.removesuffix('Mi')} MiB at most"
    listed = {cells[0].split("]")[0].strip("[") for cells in tables("kubernetes.md") if ".yaml" in cells[0]}
    assert listed == {path.name for path in FOLDER.glob("*.yaml")}


def test_a_check_stays_far_below_its_memory_limit(tmp_path: Path) -> None:
    """The largest resident size of a check, from the kernel's own account of a child."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    words = [str(PREFLIGHT), "check", "--no-cache", "--exit-zero"]
    done = subprocess.run(["python3", "-c", code, *words], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200 * 1024


def kubectl(words: list[str]) -> str:
    """kubectl's own words about the command that these words begin with."""
    found = [words[0]]
    if words[0] == "rollout":
        found.append(words[1])
    return subprocess.run(["kubectl", *found, "--help"], capture_output=True, text=True, check=True).stdout


def test_the_commands_name_what_the_manifests_define() -> None:
    """Files, objects, selectors and containers; and, where kubectl is installed, its options."""
    defined = {f"{manifest(name)['kind'].lower()}/{manifest(name)['metadata']['name']}" for name in BUILT_IN}
    selectors = {
        f"app={manifest(name)['spec']['template']['metadata']['labels']['app']}" for name in WORKLOADS
    }
    names = {one["name"] for name in WORKLOADS for one in containers_of(name)}
    for command in commands("kubernetes.md"):
        words = shlex.split(command)
        if words[0] == "preflight":
            continue
        assert words[0] == "kubectl"
        for option, value in pairwise(words):
            assert option != "-f" or (FOLDER / value).is_file()
            assert option != "--selector" or value in selectors
            assert option != "--container" or value in names
            assert option != "--namespace" or value == "preflight"
        assert {word for word in words if re.match(r"(job|daemonset)/", word)} <= defined
        if shutil.which("kubectl"):
            text = kubectl(words[1:])
            options = {word.split("=")[0] for word in words if word.startswith("--")} - {"--namespace"}
            assert [option for option in options if f"{option}=" not in text] == []
