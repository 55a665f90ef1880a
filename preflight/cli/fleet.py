# SPDX-License-Identifier: Apache-2.0
"""`preflight fleet FACTS...`: one report for many hosts, from the facts file of each."""

from __future__ import annotations

from pathlib import Path

import typer


def fleet(
    facts: list[str] = typer.Argument(
        metavar="FACTS...", help="Facts files, folders of them, JSON lines, or - for standard input."
    ),
    object_: list[str] = typer.Option(
        [],
        "--object",
        metavar="OBJECT",
        help="A BPF object, an executable with objects, a folder, tracers:NAME; repeatable.",
    ),
    diff: bool = typer.Option(
        False, "--diff", help="FACTS are two: before and after. What got better, worse, or undecided."
    ),
    only: list[str] = typer.Option(
        [], "--only", metavar="KEY=VALUE", help="Only hosts with this label; repeatable."
    ),
    name_label: str = typer.Option(
        "", "--name-label", metavar="KEY", help="The label that names a host, where there is no keyed hash."
    ),
    count_identical: bool = typer.Option(
        False, "--count-identical", help="Facts that are the same byte for byte are of different hosts."
    ),
    judge: str = typer.Option(
        "adjusted", "--judge", help="adjusted (what user space sets is open) or as-is."
    ),
    module: list[str] = typer.Option(
        [], "--module", help="Take this module as loaded wherever its BTF is known; repeatable."
    ),
    store: str = typer.Option("", "--store", metavar="DIRECTORY", help="The catalogue's directory."),
    workers: int = typer.Option(0, "--workers", min=0, max=1024, help="Processes; 0: one per CPU."),
    dask: str = typer.Option(
        "", "--dask", metavar="ADDRESS", help="Judge on this Dask cluster: tcp:// or tls://HOST:PORT."
    ),
    dask_tls: str = typer.Option(
        "",
        "--dask-tls",
        metavar="FOLDER",
        help="ca.pem, cert.pem and key.pem for tls://; default: Dask's configuration.",
    ),
    format_: list[str] = typer.Option(
        [], "--format", help="text, json, csv, markdown, html or prom; FORMAT=FILE, repeatable."
    ),
    html_dir: str = typer.Option(
        "",
        "--html-dir",
        metavar="DIRECTORY",
        help="Write the page with its style sheet and script as files "
        "of their own, for places that forbid inline ones.",
    ),
    no_embed: bool = typer.Option(False, "--no-embed", help="Leave the JSON result out of the HTML page."),
    sqlite: str = typer.Option(
        "", "--sqlite", metavar="FILE", help="Also write the result as tables of an SQLite file."
    ),
    fail_on: str = typer.Option("required", "--fail-on", help="required or never."),
    undecided: str = typer.Option(
        "exit3", "--undecided", help="exit3, ok or fail: hosts that stay open, and facts that were skipped."
    ),
    color: str = typer.Option("auto", "--color", help="auto, always or never."),
    verbose: int = typer.Option(0, "-v", "--verbose", count=True, help="Everything that text leaves out."),
) -> int:
    """Group hosts by kernel and policy, judge objects on the distinct kernels, and count hosts.

    Nothing is loaded and no host is asked: facts files are all there is. What cannot be read is listed.
    """  # fmt: skip
    import sys
    from contextlib import ExitStack

    from preflight.cli.exits import Exit
    from preflight.cli.fleet_run import Request, run
    from preflight.cli.matrix_run import write_folder
    from preflight.cli.options import choose, judges
    from preflight.cli.output import emit, split_format
    from preflight.errors import UsageError
    from preflight.fleet.document import parse_labels
    from preflight.matrix.plan import JUDGES
    from preflight.render import fleet_html
    from preflight.render.registry import renderers

    choose("--fail-on", fail_on, ("required", "never"))
    choose("--undecided", undecided, ("exit3", "ok", "fail"))
    choose("--judge", judge, JUDGES)
    if diff and len(facts) != 2:
        raise UsageError("--diff compares two: fleet --diff BEFORE AFTER")
    if diff and sqlite:
        raise UsageError("--sqlite takes one fleet, not the difference of two")
    forms = renderers("fleet diff" if diff else "fleet")
    if sum(split_format(wanted, list(forms))[1] is None for wanted in format_) > 1:
        raise UsageError("only one format can go to standard output; give the others a file: csv=fleet.csv")
    request = Request(
        tuple(facts), tuple(object_), diff, parse_labels(only), name_label or None, count_identical, judge,
        tuple(sorted(set(module))), store, workers, fail_on, undecided,
    )  # fmt: skip
    result, code = run(request, judges(workers, dask, dask_tls))
    if no_embed:
        page = fleet_html.render_diff if diff else fleet_html.render
        forms["html"] = lambda given, style: page(given, style, embed=False)
    with ExitStack() as outputs:  # the last one first, and each whatever becomes of the others
        if format_ or not html_dir:
            outputs.callback(emit, result, format_, forms, color=color, verbose=verbose)
        if html_dir:
            outputs.callback(
                lambda: write_folder(Path(html_dir), fleet_html.folder(result, embed=not no_embed))
            )
        if sqlite:
            from preflight.fleet.sqlite import write

            outputs.callback(write, Path(sqlite), result)
    if code and code != Exit.INTERRUPTED:
        print(f"exit {code}: {result['summary']['sentence']}", file=sys.stderr)
    return code
