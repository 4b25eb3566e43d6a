import pytest
import torch
import torchmetrics
from torch import nn

from lightning_infomem.sampling.batches import parts_of
from lightning_infomem.sampling.loss_watch import SeenLoss
from lightning_infomem.sampling.task import TaskEvidence

LABELS = torch.tensor([0, 1, 2, 1] * 10)


def seen(evidence, labels, logits):
    evidence.open_batch(parts_of((torch.zeros(len(labels), 5), labels)), len(labels))
    evidence.see_logits(logits)
    return evidence.conclude()[0]


def random_logits(classes, seed=0):
    return torch.randn(40, classes, generator=torch.Generator().manual_seed(seed))


def test_labels_that_cover_the_outputs_are_classes():
    assert seen(TaskEvidence(), LABELS, random_logits(3)) == "classification"
    assert seen(TaskEvidence(), LABELS, random_logits(4)) == "unknown"


def test_labels_of_fewer_classes_count_if_they_are_predicted():
    predicted = nn.functional.one_hot(LABELS, 50).float()
    assert seen(TaskEvidence(), LABELS, predicted) == "classification"
    assert seen(TaskEvidence(), LABELS, random_logits(50)) == "unknown"  # an autoencoder beside labels


def test_a_sorted_set_is_known_once_all_classes_came():
    evidence = TaskEvidence()
    for label, task in ((0, "unknown"), (1, "unknown"), (2, "classification")):
        assert seen(evidence, torch.full((40,), label), random_logits(3)) == task


def test_predictions_of_one_class_predict_no_labels():
    always = torch.zeros(40, 9)
    always[:, 1] = 1
    assert seen(TaskEvidence(), LABELS, always) == "unknown"


def test_what_predicted_labels_once_is_a_classifier_for_good():
    evidence = TaskEvidence()
    seen(evidence, LABELS, nn.functional.one_hot(LABELS, 9).float())
    for seed in range(30):  # it diverges
        assert seen(evidence, LABELS, random_logits(9, seed)) == "classification"


def test_a_loss_outweighs_labels_and_one_of_the_outputs_outweighs_others():
    evidence = TaskEvidence()
    evidence.see_losses([SeenLoss("mse_loss", "regression", (40, 3))])
    assert seen(evidence, LABELS, random_logits(3)) == "regression"
    evidence.see_losses(
        [SeenLoss("mse_loss", "regression", (40, 8)), SeenLoss("cross_entropy", "classification", (40, 3))]
    )
    assert evidence.conclude() == ("classification", "the step computes cross_entropy of the outputs")
    evidence.see_losses([])  # a step without any says nothing new
    assert evidence.conclude()[0] == "classification"


@pytest.mark.parametrize("owned", [nn.CrossEntropyLoss(), torchmetrics.Accuracy("multiclass", num_classes=3)])
def test_a_loss_or_metric_of_the_module_is_evidence(owned):
    evidence = TaskEvidence(nn.ModuleList([nn.Linear(2, 3), owned]), 3, assume=True)
    assert evidence.conclude() == ("classification", f"the module owns a {type(owned).__name__}")


def test_without_evidence_classes_are_assumed_of_plain_modules_alone():
    assert TaskEvidence(num_classes=3, assume=True).conclude() == ("assumed", "nothing says what its 3 outputs are")
    assert TaskEvidence(num_classes=3).conclude()[0] == "unknown"
    assert TaskEvidence(num_classes=1, assume=True).conclude()[0] == "none"
