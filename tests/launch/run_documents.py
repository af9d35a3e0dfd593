"""run_documents.py SOURCES CODEC: runs the documents' readers on ./cache, and compares with ./decoded, its f32 recoding.

README.md's reads one record of f32, f16, bf16 and int8; data/cache/FORMAT.md's any of int4 and lowrank.
"""

import json
import pathlib
import re
import sys

import h5py
import numpy as np

SUM_ORDER = 1e-5  # of lowrank alone: a sum of float32 in another order


def reader_in(document, word):
    """The one Python block of the document that has the word in it, run; what it defined."""
    blocks = re.findall(r"^```python\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if word in block]
    if len(found) != 1:
        sys.exit(f"{document}: expected one Python block with '{word}', found {len(found)}")
    defined = {}
    exec(compile(found[0], str(document), "exec"), defined)
    return defined


def expect_equal(found, shard, row, codec):
    with h5py.File(f"decoded/{shard}") as decoded:
        expected = decoded["features"][row]
    if found.dtype != np.float32 or found.shape != expected.shape:
        sys.exit(f"{shard}, row {row}: {found.dtype} {found.shape}, expected float32 {expected.shape}")
    error = np.abs(found - expected).max() / np.abs(expected).max()
    if not error <= (SUM_ORDER if codec == "lowrank" else 0):
        sys.exit(f"{shard}, row {row} of {codec}: differs from the program's by {error}")


def main():
    sources, codec = pathlib.Path(sys.argv[1]), sys.argv[2]
    key = json.loads(pathlib.Path("cache/index.json").read_text())["key"]
    if key["codec"] != codec or (codec in ("int8", "int4", "lowrank")) != (key["codec_outliers"] > 0):
        sys.exit(f"the cache is {key['codec']} with {key['codec_outliers']} outliers: this would prove nothing")
    if codec in ("int4", "lowrank"):
        read = reader_in(sources / "data/cache/FORMAT.md", "def read_layered")["read_layered"]
        for path in sorted(pathlib.Path("cache").glob("*.h5")):
            with h5py.File(path) as shard:
                rows = len(shard["view"])
            for row in range(rows):
                expect_equal(read("cache", path.name, row), path.name, row, codec)
    else:
        defined = reader_in(sources / "README.md", "h5py.File")
        expect_equal(defined["features"], defined["file"], defined["row"], codec)


main()
