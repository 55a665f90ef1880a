#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile preflight/verifier/data/table.json: the family of each message, and what it says of the cause.

    python tools/make_verifier_table.py CATALOGUE.jsonl CAUSES.toml

CATALOGUE is a message catalogue extracted from kernel sources: one JSON object per line with `kind`
(fail, internal, trace), `domain`, `family`, `formats` (C format string, and the kernels whose source
holds it), `where` (file:function), `kernel_report_7_3` and `fragment`. CAUSES holds tables of
`id = "what it means"`. Format strings and places are facts; family texts are the project's own and
live in preflight/findings/codes/v.toml and l.toml, the rules in preflight/verifier/data/rules.toml.

The table is made for quick lookup: every format is filed under one word that few others have, so that
a line is compared with a handful of formats and not with a thousand.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "preflight" / "verifier" / "data"
CONVERSION = re.compile(
    r"%(?P<flags>[-+#0 ]*)(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?(?P<conv>[diuxXcsp])"
)
WORD = re.compile(r"[A-Za-z_][A-Za-z_']+")
NUMBER = {"d": r"[-+]?\d+", "i": r"[-+]?\d+", "u": r"\d+", "x": r"(?:0x)?[0-9a-fA-F]+", "c": ".", "p": r"\S+"}
#: Formats with fewer letters than this outside their conversions say too little to be recognised.
FEWEST_LETTERS = 7
#: Every format with its family and kernels, for the test that all of them are recognised.
FORMATS = DATA.parent.parent.parent / "fixtures" / "verifier" / "formats.jsonl"


def pattern(fmt: str, fragment: bool) -> str:
    """A regular expression for lines made with `fmt`; a fragment may be followed by more.

    What lies between two `%s` is looked for once, leftmost, in an atomic group: that finds every match
    and takes linear time on any line, however hostile.
    """
    units, last = [""], 0
    for found in CONVERSION.finditer(fmt):
        units[-1] += re.escape(fmt[last : found.start()]).replace("\\ ", " ")
        number = NUMBER.get(found["conv"].lower())
        if number is None:
            units.append("")
        else:
            units[-1] += number
        last = found.end()
    units[-1] += re.escape(fmt[last:]).replace("\\ ", " ")
    *middle, end = units[1:] or [None]
    out = units[0] + "".join(f"(?>.*?{unit})" for unit in middle if unit)
    if end is not None:
        out += f".*?{end}" if end else ".*"
    return out + ("" if fragment else r"\s*\Z")


def literals(fmt: str) -> list[str]:
    """The pieces of a format between its conversions."""
    return CONVERSION.sub("\x00", fmt).split("\x00")


def whole_words(fmt: str) -> list[str]:
    """Words of a format that appear in its lines as they are, because no conversion touches them."""
    marked = CONVERSION.sub("\x00", fmt)
    return [
        found.group().strip("'")
        for found in WORD.finditer(marked)
        if "\x00" not in marked[max(found.start() - 1, 0) : found.end() + 1]
    ]


def compile_table(
    catalogue: list[dict[str, Any]], rules: dict[str, Any], causes: dict[str, Any]
) -> dict[str, Any]:
    """The table as it is stored."""
    versions = {version for row in catalogue for version in row["versions"]}
    kernels = sorted(versions, key=lambda version: [int(part) for part in version.split(".")])
    places: dict[str, int] = {}
    formats: dict[str, list[Any]] = {}

    def add(
        fmt: str, family: str, kind: str, versions: list[str], report: bool, fragment: bool, where: str
    ) -> None:
        # of a message of two lines the first is recognised; the second goes on with it
        text = fmt.strip().partition("\n")[0]
        letters = sum(map(len, WORD.findall(CONVERSION.sub("\x00", text))))
        if letters < FEWEST_LETTERS or not whole_words(text):
            return
        mask = sum(1 << kernels.index(v) for v in versions)
        place = places.setdefault(where, len(places))
        known = formats.get(text)
        if known is None:
            formats[text] = [pattern(text, fragment), family, kind, mask, int(report), place]
        else:
            known[3] |= mask

    for row in catalogue:
        if row["kind"] not in {"fail", "internal"} or not row["family"]:
            continue
        for one in row["formats"]:
            where = row["where"][0] if row["where"] else ""
            part = row["fragment"] or not one["fmt"].endswith("\n")
            report = row["kernel_report_7_3"]
            add(one["fmt"], row["family"], row["kind"], one["versions"], report, part, where)
    for extra in rules["extra"]:
        for fmt in extra["formats"]:
            add(fmt, extra["family"], "fail", [], False, fmt.endswith("%s"), extra["where"])
    spread = Counter(word for fmt in formats for word in set(whole_words(fmt)))
    index: dict[str, list[int]] = {}
    rows = []
    # the most specific first: who matches first wins
    for fmt in sorted(formats, key=lambda f: (-len("".join(literals(f))), f)):
        word = min(whole_words(fmt), key=lambda w: (spread[w], -len(w), w))
        index.setdefault(word, []).append(len(rows))
        rows.append(formats[fmt])
    known_causes = {key: text for table in causes.values() for key, text in table.items()}
    for family, tests in rules["families"].items():
        for _, cause, confidence in tests:
            assert cause in known_causes, f"{family}: no cause {cause}"
            assert confidence in {"high", "medium", "low"}
    return {
        "kernels": kernels,
        "places": list(places),
        "messages": rows,
        "words": index,
        "rules": rules["families"],
        "advice": rules["advice"],
        "causes": known_causes,
    }


def formats(catalogue: list[dict[str, Any]]) -> str:
    """The formats of rejections, one JSON array per line: family, kind, fragment or not, format, kernels."""
    rows = {
        (row["family"], row["kind"], row["fragment"], one["fmt"], tuple(one["versions"]))
        for row in catalogue
        if row["kind"] in {"fail", "internal"} and row["family"]
        for one in row["formats"]
    }
    return "".join(json.dumps(row) + "\n" for row in sorted(rows))


def family_texts() -> str:
    """The texts of the families as JSON, so that no TOML has to be read to explain a log."""
    codes = DATA.parent.parent / "findings" / "codes"
    found = {}
    for name in ("v.toml", "l.toml"):
        for code, raw in tomllib.loads((codes / name).read_text(encoding="utf-8")).items():
            found[code] = {key: " ".join(raw[key].split()) for key in ("summary", "cause", "fix")}
    return json.dumps(found, sort_keys=True, indent=1) + "\n"


def main() -> None:
    """Write the table and the texts; without arguments the texts alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalogue", type=Path, nargs="?")
    parser.add_argument("causes", type=Path, nargs="?")
    arguments = parser.parse_args()
    (DATA / "texts.json").write_text(family_texts(), encoding="utf-8")
    if arguments.catalogue is None or arguments.causes is None:
        return
    catalogue = [json.loads(line) for line in arguments.catalogue.read_text(encoding="utf-8").splitlines()]
    rules = tomllib.loads((DATA / "rules.toml").read_text(encoding="utf-8"))
    causes = tomllib.loads(arguments.causes.read_text(encoding="utf-8"))
    table = compile_table(catalogue, rules, causes)
    lines = []
    for key, value in table.items():
        if key == "messages":
            body = ",\n".join(json.dumps(row, ensure_ascii=True) for row in value)
            lines.append(f'"messages": [\n{body}\n]')
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}")
    (DATA / "table.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    FORMATS.write_text(formats(catalogue), encoding="utf-8")
    print(f"{len(table['messages'])} formats of {len({row[1] for row in table['messages']})} families")


if __name__ == "__main__":
    main()
