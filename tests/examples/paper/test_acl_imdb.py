import os

import pytest

from examples.paper.layouts.acl_imdb import read_reviews
from tests.examples.paper.review_files import pack_reviews, write_reviews

TEXTS = {"pos": [f"fine {place} é" for place in range(6)], "neg": [f"dull {place}<br />" for place in range(6)]}
ARCHIVES = ["aclImdb_v1.tar.gz", "aclImdb.tar.gz", "aclImdb.tar.xz", "aclImdb.tar"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def packed(tmp_path):
    """Writes the reviews and packs them; returns the folder of the archive."""

    def pack(name, texts=TEXTS, folder="data"):
        source = tmp_path / f"unpacked-{folder}"
        write_reviews(source, texts)
        write_reviews(source, {"pos": ["elsewhere"], "neg": ["elsewhere"]}, split="test")
        (tmp_path / folder).mkdir(exist_ok=True)
        pack_reviews(source, tmp_path / folder / name)
        return tmp_path / folder

    return pack


def test_the_folder_is_read_in_order_of_names(tmp_path):
    write_reviews(tmp_path, TEXTS)
    (tmp_path / "aclImdb" / "train" / "urls_pos.txt").write_text("no review")
    texts, labels = read_reviews(tmp_path)
    assert texts == TEXTS["neg"] + TEXTS["pos"]
    assert labels.tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_gives_what_its_folder_gives(name, tmp_path, packed):
    read = read_reviews(packed(name))
    expected = read_reviews(tmp_path / "unpacked-data")
    assert read.texts == expected.texts
    assert read.labels.tolist() == expected.labels.tolist()
    assert read_reviews(packed(name), "test").texts == ["elsewhere", "elsewhere"]


def test_a_second_reading_needs_no_pass_through_the_archive(packed, monkeypatch):
    folder = packed("aclImdb.tar.xz")
    first = read_reviews(folder)
    monkeypatch.setattr("tarfile.open", lambda *_: pytest.fail("the archive was opened"))
    second = read_reviews(folder)
    assert second.texts == first.texts
    assert second.labels.tolist() == first.labels.tolist()


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_archive_is_read_anew_and_replaces_what_was_kept(change, packed, cache):
    folder = packed("aclImdb.tar")
    archive = folder / "aclImdb.tar"
    before, state = read_reviews(folder).texts, archive.stat()
    changed = {**TEXTS, "pos": [text.replace("fine", "good") for text in TEXTS["pos"]]}
    if change == "size":
        changed["pos"] += [f"new {place}" for place in range(20)]
    packed("aclImdb.tar", changed)
    assert (archive.stat().st_size == state.st_size) is (change == "time")
    moment = state.st_mtime_ns + (10**9 if change == "time" else 0)
    os.utime(archive, ns=(moment, moment))
    assert read_reviews(folder).texts == changed["neg"] + changed["pos"] != before
    assert len(list(cache.rglob("*.npz"))) == 1


def test_the_archive_of_another_folder_has_its_own_cache(packed):
    first = read_reviews(packed("aclImdb.tar"))
    other = packed("aclImdb.tar", {"pos": ["odd"], "neg": ["odd"]}, folder="other")
    assert read_reviews(other).texts == ["odd", "odd"]
    assert read_reviews(packed("aclImdb.tar")).texts == first.texts


def test_without_a_place_for_the_cache_the_archive_is_read_all_the_same(packed, cache):
    cache.write_text("in the way")
    assert read_reviews(packed("aclImdb.tar")).texts == TEXTS["neg"] + TEXTS["pos"]


@pytest.mark.parametrize("length", [0, 10, -100])
def test_a_damaged_cache_is_made_anew(length, packed, cache):
    folder = packed("aclImdb.tar")
    expected = read_reviews(folder).texts
    (kept,) = cache.rglob("*.npz")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:length])
    assert read_reviews(folder).texts == expected
    assert len(kept.read_bytes()) == len(whole)


def test_a_cache_that_cannot_be_finished_leaves_nothing_behind(packed, cache, monkeypatch):
    def fill_the_disk(*_args, **_arrays):
        raise OSError("no space left")

    monkeypatch.setattr("numpy.savez_compressed", fill_the_disk)
    assert len(read_reviews(packed("aclImdb.tar")).texts) == 12
    assert not list(cache.rglob("*.npz"))


@pytest.mark.parametrize("given", [True, False])
def test_where_nothing_is_there_the_layout_and_its_source_are_named(given, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"ID_RATING\.txt .*is required, got .* ai\.stanford\.edu/~amaas/data/sentiment"
    ):
        read_reviews(tmp_path if given else None)


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_truncated_archive_is_refused(name, share, packed):
    folder = packed(name)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=rf"a whole archive is required, got '{name}' .* copy it again"):
        read_reviews(folder)


def test_an_archive_cut_between_two_files_is_refused(packed):
    folder = packed("aclImdb.tar")
    archive = folder / "aclImdb.tar"
    archive.write_bytes(archive.read_bytes()[: 1024 * 10])  # header and content of a review are 512 bytes each
    with pytest.raises(ValueError, match="no end of the archive"):
        read_reviews(folder)


@pytest.mark.parametrize("as_archive", [True, False])
def test_reviews_that_are_not_utf8_are_named_and_counted(as_archive, tmp_path, packed):
    texts = {"pos": ["fine"] + ["fine é".encode("latin-1")] * 5, "neg": ["dull"]}
    folder = packed("aclImdb.tar.gz", texts) if as_archive else tmp_path / "plain"
    if not as_archive:
        write_reviews(folder, texts)
    named = r"pos/00001_8\.txt, pos/00002_8\.txt, pos/00003_8\.txt, …; copy"
    with pytest.raises(ValueError, match=rf"UTF-8 are required, got 5 in '.*' that are not: {named}"):
        read_reviews(folder)


@pytest.mark.parametrize("as_archive", [True, False])
def test_a_label_without_reviews_is_refused(as_archive, tmp_path, packed):
    folder = packed("aclImdb.tar.gz", {"pos": ["fine"]}) if as_archive else tmp_path / "plain"
    if not as_archive:
        write_reviews(folder, {"pos": ["fine"], "neg": []})
    with pytest.raises(ValueError, match=r"both labels are required, got none in neg/ of"):
        read_reviews(folder)
