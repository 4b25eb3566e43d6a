import pytest
import torch
from torch import nn

from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.taps import ActivationTap
from tests.networks import num_hooks


def catch(model, layers, batches, **plan):
    with ActivationTap(layers, SamplePlan(**{"max_samples": 100, "max_units": 100, "seed": 0, **plan})) as tap:
        for batch in batches:
            tap.open_batch(batch)
            model(batch)
            tap.close_batch()
    return tap


def test_in_place_activations_do_not_overwrite_what_was_caught():
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(inplace=True))
    batch = torch.randn(20, 3)
    tap = catch(model, {"0": model[0]}, [batch])
    assert torch.equal(tap.samples()["0"], model[0](batch).detach())


def test_layers_stay_aligned_row_by_row():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    batches = torch.randn(300, 1).split(17)
    tap = catch(model, {"a": model[0], "b": model[1]}, batches)
    samples = tap.samples()
    assert samples["a"].shape == (100, 1)
    torch.testing.assert_close(model[1](samples["a"]).detach(), samples["b"])


def test_units_beyond_the_limit_are_drawn_and_named():
    model = nn.Sequential(nn.Linear(2, 50))
    batch = torch.randn(30, 2)
    tap = catch(model, {"0": model[0]}, [batch], max_units=7)
    units = tap.units()["0"]
    assert tap.widths() == {"0": 50}
    assert torch.equal(tap.samples()["0"], model[0](batch)[:, units].detach())


def test_hooks_come_off_after_an_exception():
    model = nn.Sequential(nn.Linear(2, 2))

    def fail_inside():
        with ActivationTap({"0": model[0]}, SamplePlan(5, 5, 0)):
            assert num_hooks(model) == 1
            raise RuntimeError("the network's own")

    with pytest.raises(RuntimeError, match="the network's own"):
        fail_inside()
    assert num_hooks(model) == 0


def test_of_several_calls_in_a_batch_the_first_counts():
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, shared)
    batch = torch.randn(10, 2)
    tap = catch(model, {"0": shared}, [batch])
    assert torch.equal(tap.samples()["0"], shared(batch).detach())


def test_a_layer_that_is_not_always_called_is_left_out_by_name():
    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.always, self.rare, self.calls = nn.Linear(2, 2), nn.Linear(2, 2), 0

        def forward(self, x):
            self.calls += 1
            return self.rare(x) if self.calls == 1 else self.always(x)

    model = Sometimes()
    tap = catch(model, {"always": model.always, "rare": model.rare}, torch.randn(2, 5, 2))
    assert tap.samples() == {}
    assert tap.skipped == {"always": "not called in sampled batch 1", "rare": "not called in sampled batch 2"}


def test_a_layer_that_cannot_be_read_does_not_disturb_the_others():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.good, self.bad = nn.Linear(2, 2), nn.Flatten(0)

        def forward(self, x):
            return self.bad(self.good(x))

    model = Pair()
    tap = catch(model, {"good": model.good, "bad": model.bad}, [torch.randn(5, 2)])
    assert list(tap.samples()) == ["good"]
    assert "no row for each of the 5 examples" in tap.skipped["bad"]


def test_a_layer_whose_width_changes_is_left_out():
    model = nn.Flatten()
    tap = catch(model, {"flat": model}, [torch.randn(4, 2, 3), torch.randn(4, 2, 5)])
    assert "6" not in tap.samples()
    assert "10 units in one batch and 6 in another" in tap.skipped["flat"]


def test_memory_is_bounded_by_the_plan():
    model = nn.Identity()
    tap = catch(model, {"x": model}, torch.randn(100, 64, 3))
    assert tap._buffers["x"].read(100).shape == (100, 3)


def test_logits_are_the_heads_outputs_for_the_rows_that_were_kept():
    # Not ReLU: inputs for which all units are 0 would have the same logits, and could not be distinguished below.
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 300))
    batches = torch.randn(200, 3).split(17)
    plan = SamplePlan(50, 4, 0)
    with ActivationTap({"0": model[0]}, plan, head=model[2]) as tap:
        for batch in batches:
            tap.open_batch(batch)
            model(batch)
            tap.close_batch()
    assert num_hooks(model) == 0
    logits = tap.logits()
    assert logits.shape == (50, 300)  # all classes, though four units of a layer are kept
    inputs = torch.cat(list(batches))
    everything = model(inputs).detach()
    rows = [int((everything - row).abs().sum(1).argmin()) for row in logits]
    units = tap.units()["0"]
    torch.testing.assert_close(model[0](inputs).detach()[rows][:, units], tap.samples()["0"])


@pytest.mark.parametrize("head", [nn.Linear(8, 1), nn.Linear(8, 5000), nn.Unflatten(1, (2, 4))])
def test_outputs_that_are_no_logits_are_left_out_without_a_word(head):
    model = nn.Sequential(nn.Linear(3, 8), head)
    with ActivationTap({"0": model[0]}, SamplePlan(50, 100, 0), head=head) as tap:
        batch = torch.randn(20, 3)
        tap.open_batch(batch)
        model(batch)
        tap.close_batch()
    assert tap.logits().shape == (20, 0)
    assert tap.skipped == {}


def test_a_head_that_one_batch_passes_by_gives_no_logits():
    body, head = nn.Linear(3, 8), nn.Linear(8, 2)
    with ActivationTap({"body": body}, SamplePlan(50, 100, 0), head=head) as tap:
        for uses_head in (True, False, True):
            batch = torch.randn(20, 3)
            tap.open_batch(batch)
            (head if uses_head else nn.Identity())(body(batch))
            tap.close_batch()
    assert tap.logits().shape == (50, 0)
    assert tap.samples()["body"].shape == (50, 8)


def _sparse():
    return torch.eye(20, 3).to_sparse()


def _complex():
    return torch.randn(20, 3, dtype=torch.complex64)


@pytest.mark.parametrize(("inputs", "is_marked"), [(_sparse, False), (_complex, True)])
def test_inputs_of_any_kind_of_tensor_are_marked_or_left_unmarked(inputs, is_marked):
    model = nn.Linear(3, 4)
    with ActivationTap({"0": model}, SamplePlan(50, 100, 0)) as tap:
        batch = inputs()
        tap.open_batch(batch)
        model(batch.to_dense().abs())
        tap.close_batch()
    assert tap.input_marks().shape == (20, int(is_marked))
    assert tap.samples()["0"].shape == (20, 4)


def test_a_head_whose_output_cannot_be_read_does_not_stop_the_network():
    class Sparse(nn.Module):
        def forward(self, inputs):
            return inputs.to_sparse()

    body, head = nn.Linear(3, 8), Sparse()
    with ActivationTap({"body": body}, SamplePlan(50, 100, 0), head=head) as tap:
        batch = torch.randn(20, 3)
        tap.open_batch(batch)
        head(body(batch).detach())
        tap.close_batch()
    assert tap.logits().shape == (20, 0)
    assert tap.samples()["body"].shape == (20, 8)
