"""GB a second of h5py under a torch DataLoader: loader_peer.py CACHE --workers W --batch B (README.md, "loader")."""
import argparse
import glob
import json
import os
import time

import h5py
import torch

# What a record is read for. A codec may spread its features over several datasets.
WANTED = ("pixels", "feature")


def torch_type(dataset):
    """The torch type with the bytes of the file; None where torch has none."""
    stored = dataset.id.get_type()
    if isinstance(stored, h5py.h5t.TypeFloatID) and stored.get_size() == 2 and stored.get_ebias() == 127:
        return torch.bfloat16
    found = getattr(torch, dataset.dtype.name, None)
    return found if isinstance(found, torch.dtype) and dataset.dtype.itemsize == stored.get_size() else None


def read_row(dataset, row):
    """One record as stored. Indexing would convert bf16 to float32 in the HDF5 library, which takes seconds."""
    shape, stored, found = dataset.shape[1:], dataset.id.get_type(), torch_type(dataset)
    values = torch.empty(shape, dtype=found) if found else torch.empty((*shape, stored.get_size()), dtype=torch.uint8)
    rows = dataset.id.get_space()
    rows.select_hyperslab((row,) + (0,) * len(shape), (1,) + shape)
    memory = values.reshape(-1).view(torch.uint8).numpy()
    dataset.id.read(h5py.h5s.create_simple((1,) + shape), rows, memory, stored)
    return values


def float_features(stored):
    return {name: values.float() for name, values in stored.items()}


def scaled_features(stored):
    # In two passes: a product of int8 and float32 takes twice as long.
    return {"features": stored["features"].float().mul_(stored["feature_scales"].unsqueeze(-1))}


# By codec, of the datasets whose names begin with `feature`. Others are delivered as stored.
DECODERS = {"f16": float_features, "bf16": float_features, "int8": scaled_features}


class CachedRecords(torch.utils.data.Dataset):
    """Every record of a cache. Each process opens a shard at its first record and keeps it open."""

    def __init__(self, folder):
        self.files, self.records = {}, []
        for path in sorted(glob.glob(os.path.join(folder, "shard-*.h5"))):
            with h5py.File(path) as shard:
                self.records += [(path, row) for row in range(len(shard["pixels"]))]
                self.codec = json.loads(shard.attrs["key"])["codec"]
                if len(shard["pixels"]):
                    self.record_bytes = sum(d.id.get_storage_size() // len(d) for d in self.wanted(shard).values())
        if not self.records:
            raise SystemExit(f"{folder}: no record in any shard-*.h5: give the folder of a cache")

    @staticmethod
    def wanted(shard):
        return {name: dataset for name, dataset in shard.items() if name.startswith(WANTED)}

    def __len__(self):
        return len(self.records)

    def __getitem__(self, index):
        path, row = self.records[index]
        if path not in self.files:
            self.files[path] = self.wanted(h5py.File(path))
        record = {name: read_row(dataset, row) for name, dataset in self.files[path].items()}
        pixels = record.pop("pixels")
        decode = DECODERS.get(self.codec, dict)
        return {"pixels": pixels, **decode(record)}


def measure(records, workers, batch, seconds):
    """Clips and seconds of them. Epochs follow each other without a pause, or a small cache would measure that."""
    endless = torch.utils.data.RandomSampler(records, num_samples=len(records) << 20)  # shuffle=True's, many epochs
    loader = torch.utils.data.DataLoader(records, batch_size=batch, sampler=endless, num_workers=workers)
    batches = iter(loader)
    for _ in range(2 * workers):  # opens the shards, fills the queue
        next(batches)
    clips, start = 0, time.monotonic()
    while (spent := time.monotonic() - start) < seconds:
        clips += len(next(batches)["pixels"])
    return clips, spent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cache")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    records = CachedRecords(options.cache)
    clips, seconds = measure(records, options.workers, options.batch, options.seconds)
    result = {
        "bench": "loader_h5py",
        "per_second": clips * records.record_bytes / seconds / 1e9,
        "unit": "GB",
        "clips_per_second": clips / seconds,
        "workers": options.workers,
        "batch": options.batch,
        "codec": records.codec,
        "decoded": records.codec in DECODERS,
        "records": len(records),
        "record_bytes": records.record_bytes,
        "clips": clips,
        "seconds": seconds,
        "h5py": h5py.__version__,
        "torch": torch.__version__,
    }
    if not result["decoded"]:
        result["note"] = f"codec {records.codec} is unknown here: its features are delivered as stored"
    print(json.dumps(result))


if __name__ == "__main__":
    main()
