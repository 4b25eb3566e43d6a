"""The tables of the study, from records made by hand."""

from __future__ import annotations

import pytest

from examples.choosing.summary import markdown

BASELINES = ("last epoch", "training loss", "noisy validation accuracy", "noisy validation loss")


def ranking(way, tau, lost, **fields):
    known = {"criterion": "consensus_accuracy", "p_best": 0.5, "set_size": 0.25, "set_holds": True, "doubts": []}
    return {"way": way, "tau": tau, "lost": lost, **known, **fields}


def zoo(name, *rankings, baseline=(0.0, 4.0), random=6.0, **fields):
    tau, lost = baseline
    known = {"replicate": 0, "is_sweep": True, "has_shortcut": False, "networks": 16, "best": 0.8765}
    judged = {each: {"tau": tau, "lost": lost} for each in BASELINES}
    return {"zoo": name, "random": random, "baselines": judged, "rankings": list(rankings), **known, **fields}


def criteria(**known):
    return {name: {"tau": tau, "lost": lost} for name, (tau, lost) in known.items()}


SWEEPS = [
    zoo(
        "first",
        ranking("reference", 0.9, 1.0, criterion="reference_agreement", p_best=0.95),
        ranking("nothing", 0.25, 12.0, set_holds=False, p_best=0.92, criteria=criteria(rankme=(0.5, 1.0), mano=(1, 9))),
        random=4.0,
    ),
    zoo(
        "second",
        ranking("reference", 0.5, 3.0, criterion="reference_agreement", set_size=0.75),
        ranking("nothing", 0.75, 0.5, doubts=["two_classes"], criteria=criteria(rankme=(-0.5, 2.0), mano=(1, 1))),
        baseline=(0.5, 2.0),
    ),
]
LEVELS = zoo(
    "levels",
    ranking("nothing", -1.0, 30.0, doubts=["neighbors_disagree"], criteria=criteria(rankme=(0.0, 0.0))),
    ranking("kind", 0.8, 0.0, criterion="rankme", criteria=criteria(rankme=(0.8, 0.0))),
    is_sweep=False,
    has_shortcut=True,
)
REFUSED = zoo("refused", {"way": "nothing", "criterion": None, "refusal": "two", "criteria": {}}, replicate=1)


def lines(text, title):
    """The cells of the lines of the table below a title, by their first cell."""
    table = text.split(title)[1].split("\n\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line]
    return {row[0]: row[1:] for row in rows}


TEXT = markdown([*SWEEPS, LEVELS])


def test_what_people_go_by_stands_first():
    found = lines(TEXT, "## Replicate 0")
    # Points of the two sweeps without a shortcut: 4 and 6.
    assert found["random pick, sweeps"] == ["2", "0", "0", "5.0", "6.0", ""]
    for name in BASELINES:
        count, tau, worst, *lost, by = found[f"{name}, sweeps"]
        assert (count, tau.split()[0], worst, lost, by) == ("2", "+0.25", "+0.00", ["3.0", "4.0"], "")
    assert list(found)[1:6] == ["---", "random pick, sweeps", *(f"{name}, sweeps" for name in BASELINES[:3])]


def test_the_best_single_criterion_is_that_which_loses_least_in_the_mean():
    # RankMe loses 1 and 2 points, MaNo 9 and 1.
    count, tau, worst, *lost, _ = lines(TEXT, "## Replicate 0")["best single criterion without labels, sweeps: rankme"]
    assert (count, tau, worst, lost) == ("2", "+0.00 [-0.50, +0.50]", "-0.50", ["1.5", "2.0"])


def test_each_goal_counts_its_own_zoos():
    found = lines(TEXT, "## Replicate 0")
    assert found["**reference given, all zoos**"] == [
        *("2", "+0.70 [+0.50, +0.90]", "+0.50", "2.0", "3.0", "reference agreement"),
    ]
    assert found["**nothing given, sweeps**"][0::2] == ["2", "+0.25", "12.0"]
    assert found["**nothing given, sweeps**"][3] == "6.2"  # of 12 and 0.5
    assert found["**nothing given, zoos with a shortcut**"][0] == "1"
    assert found["**kind told, zoos of levels**"][-1] == "rankme"
    assert not any("training data" in line for line in found)  # nobody gave them


def test_certainty_is_counted_by_what_was_given():
    found = lines(TEXT, "## Replicate 0")
    # Two rankings: the first does not hold the best, is sure, and loses 12 points; the second is doubted and right.
    # The third, of the zoo with a shortcut, loses 30 points with a doubt.
    assert found["nothing"] == ["3", "67 %", "0.25", "33 %", "0 %", "0.64", "33 %", "1 of 2", "100 %"]
    assert found["reference"] == ["2", "100 %", "0.50", "50 %", "100 %", "0.72", "50 %", "0 of 0", "0 %"]
    assert found["all"][0] == "6"
    assert found["all"][-2] == "1 of 2"


def test_every_zoo_has_a_line_sweeps_first():
    found = lines(TEXT, "## Every zoo")
    assert list(found)[2:] == ["first", "second", "levels"]
    head = found["zoo"]
    second = dict(zip(head, found["second"], strict=True))
    assert second["reference"] == "+0.50 / 3.0"
    assert second["last epoch"] == "+0.50 / 2.0"
    assert (second["networks"], second["best"], second["random"]) == ("16", "0.876", "6.0")
    assert (second["kind"], second["doubts"]) == ("-", "nothing: two_classes")


def test_every_criterion_has_a_line_for_sweeps_and_for_levels():
    found = lines(TEXT, "## Every criterion")
    assert found["rankme"][4:] == ["+0.80 [+0.80, +0.80]", "+0.80", "0.0", "0.0"]
    assert found["mano"][1:] == ["+1.00", "5.0", "9.0", "-", "-", "-", "-"]


def test_replicates_have_tables_of_their_own():
    text = markdown([*SWEEPS, {**SWEEPS[0], "replicate": 1, "zoo": "other"}])
    assert lines(text, "## Replicate 1")["random pick, sweeps"] == ["1", "0", "0", "4.0", "4.0", ""]
    assert lines(text, "## Replicate 0")["random pick, sweeps"][0] == "2"
    assert "## Replicate 1" not in TEXT


@pytest.mark.parametrize("zoos", [[LEVELS], [*SWEEPS, REFUSED], [REFUSED]], ids=["levels", "refused", "nothing else"])
def test_what_is_missing_leaves_its_lines_out(zoos):
    text = markdown(zoos)
    assert ("random pick" in text) == any(each["is_sweep"] for each in zoos)
    assert lines(text, "## Every zoo")[zoos[-1]["zoo"]][0] == "16"
