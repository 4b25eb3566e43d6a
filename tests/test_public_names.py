import inspect
import subprocess
import sys

import pytest

import lightning_infomem
import lightning_infomem.functional


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            lightning_infomem,
            [
                "InformationReport",
                "MemorizationMonitor",
                "MemorizationStopping",
                "Ranking",
                "RunVerdict",
                "judge_run",
                "measure",
                "rank_checkpoints",
            ],
        ),
        (
            lightning_infomem.functional,
            [
                "DawidSkene",
                "LeaveOneOutAccuracy",
                "NearestNeighbors",
                "PairInformation",
                "alpha_req",
                "average_thresholded_confidence",
                "bag_of_tokens",
                "binned_entropy",
                "consensus_accuracy",
                "correlation",
                "dawid_skene",
                "dispersion_score",
                "expected_accuracy",
                "frobenius_norms",
                "gaussian_copula_information",
                "inverse_document_frequency",
                "leave_one_out_accuracy",
                "log_product",
                "mano",
                "mean_confidence",
                "mutual_information",
                "nearest_neighbors",
                "neighbor_agreement",
                "normal_scores",
                "nuclear_norm",
                "pairwise_agreement",
                "pairwise_mutual_information",
                "participation_ratio",
                "path_norm",
                "prediction_smoothness",
                "rankme",
                "reference_agreement",
                "soft_vote_agreement",
                "softmax_entropy",
                "spectral_norms",
                "sum_of_squares",
                "temperature_scaled_confidence",
            ],
        ),
    ],
)
def test_exported_members_are_these(module, names):
    assert sorted(module.__all__) == names
    for name in names:
        assert inspect.getdoc(getattr(module, name))


def test_signatures_that_users_rely_on():
    def parameters(function):
        return {name: value.default for name, value in inspect.signature(function).parameters.items()}

    functional = lightning_infomem.functional
    assert parameters(functional.binned_entropy) | {"bins": 100, "value_range": "unit"} == parameters(
        functional.binned_entropy
    )
    for function in (functional.mutual_information, functional.pairwise_mutual_information):
        assert parameters(function) | {"neighbors": 3, "backend": "auto"} == parameters(function)
    assert list(parameters(lightning_infomem.measure))[:3] == ["model", "batches", "layers"]
    ranking = parameters(lightning_infomem.rank_checkpoints)
    assert ranking | {"memorization": None, "reference": None, "model": None, "data": None} == ranking


def test_who_looks_at_results_does_not_wait_for_lightning():
    code = (
        "import sys, lightning_infomem.cli.main; slow = {'torch', 'matplotlib', 'pytorch_lightning', 'lightning'};"
        "print(sorted(slow & set(sys.modules)));"
        "from lightning_infomem import rank_checkpoints; import lightning_infomem.pages.html_report;"
        "print(sorted(slow & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "['torch']"]


def test_the_callback_for_transformers_is_found():
    assert lightning_infomem.callbacks.MemorizationTrainerCallback.__name__ == "MemorizationTrainerCallback"


def test_a_name_that_does_not_exist_is_an_error_as_in_any_module():
    with pytest.raises(AttributeError, match="module 'lightning_infomem' has no attribute 'nothing'"):
        _ = lightning_infomem.nothing
    assert set(lightning_infomem.__all__) <= set(dir(lightning_infomem))
