"""Would a cache's pixels be better as JPEG? pixels_jpeg.py CACHE [--clips N] (README.md, "pixels")."""
import argparse
import io
import json
import pathlib
import time

import h5py
import numpy
from PIL import Image

QUALITIES = (75, 90, 95)


def read_clips(folder, count):
    clips, features = [], 0
    for path in sorted(pathlib.Path(folder).glob("shard-*.h5")):
        with h5py.File(path) as shard:
            clips.extend(shard["pixels"][: count - len(clips)])
            stored = (d for name, d in shard.items() if name.startswith("feature"))
            features = sum(d.id.get_storage_size() // len(d) for d in stored) if len(shard["pixels"]) else features
        if len(clips) >= count:
            break
    return numpy.stack(clips), features


def as_jpeg(frames, quality):
    files = []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "JPEG", quality=quality)
        files.append(file.getvalue())
    return files


def decode(files):
    return numpy.stack([numpy.asarray(Image.open(io.BytesIO(file))) for file in files])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cache")
    parser.add_argument("--clips", type=int, default=16)
    options = parser.parse_args()
    clips, feature_bytes = read_clips(options.cache, options.clips)  # uint8 [n, F, 3, S, S]
    frames = clips.transpose(0, 1, 3, 4, 2).reshape(-1, *clips.shape[3:], 3)
    for quality in QUALITIES:
        files = as_jpeg(frames, quality)
        start = time.perf_counter()
        found = decode(files)
        seconds = time.perf_counter() - start
        saved = frames.nbytes - sum(map(len, files))
        error = numpy.mean((frames.astype(float) - found) ** 2)
        print(
            json.dumps(
                {
                    "quality": quality,
                    "frames": len(frames),
                    "side": frames.shape[1],
                    "times_smaller": frames.nbytes / (frames.nbytes - saved),
                    "share_of_record_saved": saved / (frames.nbytes + feature_bytes * len(clips)),
                    "psnr_db": 10 * numpy.log10(255**2 / error) if error > 0 else None,
                    "decode_ms_per_frame": 1e3 * seconds / len(frames),
                    "break_even_gb_per_core_second": saved / seconds / 1e9,
                }
            )
        )


if __name__ == "__main__":
    main()
