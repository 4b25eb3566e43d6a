"""Reviews in the published layout, each told apart by its text."""

import tarfile


def write_reviews(folder, texts_by_label, split="train"):
    """Files ``aclImdb/SPLIT/LABEL/ID_RATING.txt`` with the texts in order; bytes are written as they are."""
    for label, texts in texts_by_label.items():
        place = folder / "aclImdb" / split / label
        place.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            content = text if isinstance(text, bytes) else text.encode()
            (place / f"{number:05d}_{8 if label == 'pos' else 3}.txt").write_bytes(content)


def pack_reviews(folder, archive):
    """Put the folder's aclImdb into an archive, compressed as its name says, and its files in no order."""
    compression = {".gz": "gz", ".xz": "xz", ".tar": ""}[archive.suffix]
    with tarfile.open(archive, f"w:{compression}") as tar:
        for path in sorted(folder.rglob("*.txt"), reverse=True):
            tar.add(path, path.relative_to(folder))
