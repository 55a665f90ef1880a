# SPDX-License-Identifier: Apache-2.0
"""Each question both sides answer becomes one pair; what one side does not answer is left out and counted."""

from __future__ import annotations

import pytest

from preflight.lab.results import Attachment
from preflight.lab.scoring.comparison import ATTACH, OBJECT, PROGRAM, LeftOut, Pair, compare
from tests.lab.scoring.sides import did, finding, measured, predicted, program


def pairs(judged: dict[str, object], real: object) -> dict[str, Pair]:
    items = compare(judged, real, "6.99")  # type: ignore[arg-type]
    return {item.question.key: item for item in items if isinstance(item, Pair)}


def left_out(judged: dict[str, object], real: object) -> list[str]:
    items = compare(judged, real, "6.99")  # type: ignore[arg-type]
    return [item.reason for item in items if isinstance(item, LeftOut)]


def test_all_right() -> None:
    found = pairs(predicted("loads", program()), measured(0, did()))
    assert {key: pair.kind for key, pair in found.items()} == {
        OBJECT.key: "right",
        PROGRAM.key: "right",
        ATTACH.key: "right",
    }


@pytest.mark.parametrize(
    ("said", "errno", "kind"),
    [
        ("loads", 0, "right"),
        ("loads", 22, "false-good"),
        ("fails", 22, "right"),
        ("fails", 0, "false-bad"),
        ("unknown", 0, "open"),
        ("unknown", 22, "open"),
    ],
)
def test_every_way_a_load_prediction_can_end(said: str, errno: int, kind: str) -> None:
    found = pairs(predicted(said, program(said, "not-tried")), measured(errno, did(errno)))
    assert (found[OBJECT.key].kind, found[PROGRAM.key].kind) == (kind, kind)


def test_a_false_good_carries_the_kernels_words() -> None:
    log = "0: (85) call bpf_x#1\ninvalid func bpf_x#1\nprocessed 1 insns"
    pair = pairs(predicted("loads", program()), measured(22, did(22), log=log))[OBJECT.key]
    assert (pair.errno, pair.words, pair.why) == ("EINVAL", "invalid func bpf_x#1", "")


def test_a_prediction_rests_on_what_speaks_against_it() -> None:
    own = (finding("PC201"), finding("PC202", "ok"), finding("PC416", "unknown"), finding("PC503"))
    found = pairs(predicted("fails", program("fails", "not-tried", *own)), measured(22, did(22)))
    assert found[PROGRAM.key].codes == ("PC201",)
    assert found[PROGRAM.key].why == "PC201 PC201 said so"


def test_an_open_prediction_rests_on_what_is_unknown() -> None:
    own = (finding("PC416", "unknown"), finding("PC507", "unknown"))
    found = pairs(predicted("unknown", program("unknown", "unknown", *own)), measured(0, did()))
    assert (found[PROGRAM.key].codes, found[ATTACH.key].codes) == (("PC416",), ("PC416", "PC507"))


def test_what_only_attaching_asks_for_does_not_explain_loading() -> None:
    own = (finding("PC503"),)
    found = pairs(
        predicted("loads", program("loads", "fails", *own)),
        measured(0, did(0, Attachment("fails", "auto", 2))),
    )
    assert (found[PROGRAM.key].codes, found[ATTACH.key].codes) == ((), ("PC503",))


def test_a_target_the_lab_named_is_held_against_the_adjusted_prediction() -> None:
    judged = predicted("loads", program("loads", "fails", finding("PC502", open=True), adjusted="ok"))
    as_it_is = pairs(judged, measured(0, did(0, Attachment("fails", "auto", 2))))[ATTACH.key]
    with_target = pairs(judged, measured(0, did(0, Attachment("ok", "uprobe"))))[ATTACH.key]
    assert (as_it_is.predicted, as_it_is.kind) == ("fails", "right")
    assert (with_target.predicted, with_target.kind, with_target.codes) == ("ok", "right", ())


@pytest.mark.parametrize("state", ["unknown", "not-tried"])
def test_an_attachment_that_decided_nothing_is_left_out(state: str) -> None:
    real = measured(0, did(0, Attachment(state, "auto", 1)))
    assert ATTACH.key not in pairs(predicted("loads", program()), real)
    assert left_out(predicted("loads", program()), real) == [f"programs attached: measured as {state}"]


def test_attaching_what_was_predicted_not_to_load_is_not_asked() -> None:
    assert set(pairs(predicted("fails", program("fails", "not-tried")), measured(0, did()))) == {
        OBJECT.key,
        PROGRAM.key,
    }


def test_sections_newer_than_the_loader_count_for_programs_alone() -> None:
    found = pairs(predicted("loads", program()), measured(95, did(newer=True)))
    assert set(found) == {PROGRAM.key, ATTACH.key}


def test_a_program_that_was_not_predicted_is_left_out() -> None:
    assert left_out(predicted("loads"), measured(0, did())) == [
        "programs that the prediction does not mention"
    ]
