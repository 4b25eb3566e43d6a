"""Recurrent networks in both layouts, and convolutions over time."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_padded_sequence

from tests.sampling.architectures import EXAMPLES, integers, labels, normal, reads


class Recurrent(nn.Module):
    """The last step decides."""

    def __init__(self, kind, units=16, batch_first=True, **options):
        super().__init__()
        self.recurrent = kind(5, units, batch_first=batch_first, **options)
        self.head = nn.Linear(units * (2 if options.get("bidirectional") else 1), 3)

    def forward(self, x):
        output = self.recurrent(x)[0]
        return self.head(output[:, -1] if self.recurrent.batch_first else output[-1])


@reads("LSTM, examples first", lambda: normal(EXAMPLES, 9, 5), {"recurrent": 16}, head="head", task="assumed")
@reads("LSTM of as many steps as examples", lambda: normal(6, 6, 5), {"recurrent": 16}, head="head", task="assumed")
def lstm():
    return Recurrent(nn.LSTM)


@reads(
    "LSTM, time first",
    lambda: (normal(9, EXAMPLES, 5), labels()),
    {"recurrent": 16},
    head="head",
    task="classification",
)
@reads(
    "LSTM, time first, of as many steps as examples",
    lambda: normal(6, 6, 5),
    {"recurrent": 16},
    head="head",
    task="assumed",
)
def time_first_lstm():
    return Recurrent(nn.LSTM, batch_first=False)


@reads("GRU in both directions", lambda: normal(EXAMPLES, 9, 5), {"recurrent": 32}, head="head", task="assumed")
def gru():
    return Recurrent(nn.GRU, bidirectional=True, num_layers=2)


@reads(
    "plain recurrent network, time first",
    lambda: normal(9, EXAMPLES, 5),
    {"recurrent": 16},
    head="head",
    task="assumed",
)
def plain_recurrent():
    return Recurrent(nn.RNN, batch_first=False)


@reads("LSTM with a projection", lambda: normal(EXAMPLES, 9, 5), {"recurrent": 7}, head="head", task="assumed")
def projected_lstm():
    network = Recurrent(nn.LSTM, proj_size=7)
    network.head = nn.Linear(7, 3)
    return network


@reads(
    "packed sequences of different lengths",
    lambda: {"x": normal(EXAMPLES, 9, 5), "lengths": torch.tensor([9, 4, 7, 1, 9, 3])},
    {"embed": 12, "gru": 16},
    head="head",
    task="assumed",
)
class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.gru, self.head = nn.Linear(5, 12), nn.GRU(12, 16), nn.Linear(16, 3)

    def forward(self, x, lengths):
        x = self.embed(x).transpose(0, 1)
        _, hidden = self.gru(pack_padded_sequence(x, lengths, enforce_sorted=False))
        return self.head(hidden[-1])


@reads(
    "encoder and decoder of one class, time first",
    lambda: {"source": integers(20, 9, EXAMPLES), "target": integers(20, 7, EXAMPLES)},
    {"encoder.gru": 16, "decoder.gru": 16},
    head=None,
    task="none",
)
class SequenceToSequence(nn.Module):
    class Coder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.gru = nn.Embedding(20, 12), nn.GRU(12, 16)

        def forward(self, tokens, hidden=None):
            return self.gru(self.embedding(tokens), hidden)

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder, self.out = self.Coder(), self.Coder(), nn.Linear(16, 20)

    def forward(self, source, target):
        _, hidden = self.encoder(source)
        return self.out(self.decoder(target, hidden)[0])


class ResidualUnit(nn.Module):
    """Of WaveNet: hands on two tensors."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation, padding=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation, padding=dilation)
        self.residual, self.skip = nn.Conv1d(channels, channels, 1), nn.Conv1d(channels, 14, 1)

    def forward(self, x):
        gated = (self.filter(x).tanh() * self.gate(x).sigmoid())[..., : x.shape[-1]]
        return x + self.residual(gated), self.skip(gated)


@reads("WaveNet", lambda: normal(EXAMPLES, 1, 40), {"units.0": 8, "units.1": 8}, head=None, task="none")
class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Conv1d(1, 8, 1)
        self.units = nn.ModuleList([ResidualUnit(8, 1), ResidualUnit(8, 2)])
        self.end1, self.end2 = nn.Conv1d(14, 12, 1), nn.Conv1d(12, 10, 1)

    def forward(self, x):
        x, total = self.start(x), 0
        for unit in self.units:
            x, skip = unit(x)
            total = total + skip
        return self.end2(self.end1(total.relu()).relu())


class TemporalBlock(nn.Module):
    def __init__(self, inputs, outputs, dilation):
        super().__init__()
        self.conv1 = weight_norm(nn.Conv1d(inputs, outputs, 3, dilation=dilation, padding="same"))
        self.conv2 = weight_norm(nn.Conv1d(outputs, outputs, 3, dilation=dilation, padding="same"))
        self.downsample = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x):
        return self.conv2(self.conv1(x).relu()).relu() + self.downsample(x)


@reads(
    "TCN, weights normed",
    lambda: normal(EXAMPLES, 4, 15),
    {"network.0": 8, "network.1": 12},
    head="linear",
    task="assumed",
)
class TemporalConvolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(TemporalBlock(4, 8, 1), TemporalBlock(8, 12, 2))
        self.linear = nn.Linear(12, 3)

    def forward(self, x):
        return self.linear(self.network(x)[:, :, -1])


@reads(
    "sound: convolutions over waves",
    lambda: (normal(EXAMPLES, 1, 200), labels()),
    {"conv1": 8, "conv2": 12},
    head="fc1",
    task="classification",
)
class SoundNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, 8, 20, 4), nn.BatchNorm1d(8)
        self.conv2, self.bn2 = nn.Conv1d(8, 12, 3), nn.BatchNorm1d(12)
        self.pool, self.fc1 = nn.MaxPool1d(4), nn.Linear(12, 3)

    def forward(self, x):
        x = self.pool(self.bn1(self.conv1(x)).relu())
        x = self.pool(self.bn2(self.conv2(x)).relu())
        return self.fc1(x.mean(-1)).log_softmax(-1)


@reads(
    "spectra: convolutions, then a recurrent layer over columns of maps",
    lambda: normal(EXAMPLES, 1, 8, 30),
    {"conv": 4, "project": 16, "gru": 20},
    head="head",
    task="assumed",
)
class ConvolutionsAndRecurrence(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.project = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(32, 16)
        self.gru, self.head = nn.GRU(16, 20, batch_first=True), nn.Linear(20, 3)

    def forward(self, x):
        columns = self.conv(x).permute(0, 3, 1, 2).flatten(2)
        return self.head(self.gru(self.project(columns))[0].mean(1))


@reads(
    "forecast of one value",
    lambda: (normal(EXAMPLES, 9, 5), normal(EXAMPLES)),
    {"0.lstm": 16},
    head=None,
    task="none",
)
def forecast():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(5, 16, batch_first=True)

        def forward(self, x):
            return self.lstm(x)[1][0][-1]

    return nn.Sequential(Last(), nn.Linear(16, 1))


@reads("recurrent cells called step by step", lambda: normal(EXAMPLES, 9, 5), {"cell": 16}, head="head", task="assumed")
class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.GRUCell(5, 16), nn.Linear(16, 3)

    def forward(self, x):
        hidden = x.new_zeros(len(x), 16)
        for step in x.unbind(1):
            hidden = self.cell(step, hidden)
        return self.head(hidden)
