from __future__ import annotations

import torch
from matplotlib.colors import to_rgb

from lightning_infomem.model_information import DomainSimilarity
from lightning_infomem.model_information.plots import plot_domain_similarity
from tests.plots.figures import domain_similarity


def of_bits(bits, seeds=1):
    count = len(bits)
    names = tuple(f"$domain {place}" for place in range(count))  # no mathematics
    return DomainSimilarity(names, bits.expand(seeds, -1, -1), bits, bits, tuple(range(seeds)), {})


def texts(axes):
    return [each.get_text() for each in axes.texts]


def test_each_cell_tells_the_mean_and_the_interval_of_its_source_and_target():
    result = domain_similarity()
    figure = plot_domain_similarity(result)
    for axes, name in zip(figure.axes, ("similarity", "unidirectional_similarity"), strict=False):
        for text, row in zip(axes.texts, result.to_records(), strict=True):
            assert text.get_position() == (result.domains.index(row["target"]), result.domains.index(row["source"]))
            known = row[name] == row[name]
            assert text.get_text() == (f"{row[name]:.2f}\n±{row[f'{name}_spread']:.2f}" if known else "?")
        assert [label.get_text() for label in axes.get_xticklabels()] == list(result.domains)
    assert figure.get_suptitle() == "mean of 3 seeds, with half the width of the 95 % interval"


def test_colours_go_from_0_to_1_and_the_bar_points_to_what_is_beyond():
    figure = plot_domain_similarity(domain_similarity())
    assert [axes.images[0].get_clim() for axes in figure.axes[:2]] == [(0, 1), (0, 1)]
    assert figure.axes[2]._colorbar.extend == "min"
    above = plot_domain_similarity(of_bits(torch.tensor([[10.0, 15.0], [8.0, 12.0]], dtype=torch.float64)))
    assert above.axes[2]._colorbar.extend == "max"
    assert texts(above.axes[1])[1] == "1.25"


def test_what_is_not_known_is_grey():
    result = of_bits(torch.tensor([[10.0, 5.0], [8.0, 0.0]], dtype=torch.float64))
    image = plot_domain_similarity(result).axes[1].images[0]
    assert tuple(image.to_rgba(image.get_array())[0, 1, :3]) == to_rgb("0.8")


def test_of_many_domains_first_the_intervals_and_then_the_numbers_are_left_out():
    generator = torch.Generator().manual_seed(0)
    for count, lines in ((8, 1), (9, 0), (14, 0), (15, None)):
        bits = torch.rand(count, count, generator=generator, dtype=torch.float64) + torch.eye(count)
        figure = plot_domain_similarity(of_bits(bits, seeds=2))
        assert ("interval" in figure.get_suptitle()) == (lines == 1)
        assert {text.count("\n") for text in texts(figure.axes[0])} == ({lines} if lines is not None else set())


def test_a_single_seed_has_no_interval():
    figure = plot_domain_similarity(of_bits(torch.eye(2, dtype=torch.float64)))
    assert figure.get_suptitle() == "one seed"
    assert texts(figure.axes[0]) == ["1.00", "0.00", "0.00", "1.00"]
