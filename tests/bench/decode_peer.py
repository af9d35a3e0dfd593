"""Clips a second of PyAV or torchcodec: decode_peer.py pyav|torchcodec DIR THREADS SECONDS (README.md, "decode")."""
import concurrent.futures
import os
import sys
import time

import numpy

FRAMES = 16


def middle_indices(count):
    """The middle of each of FRAMES equal segments, as permafrost samples one view."""
    edges = [numpy.float32(k * count / FRAMES) for k in range(FRAMES + 1)]
    middles = [float(low) + float(high - low) / 2 for low, high in zip(edges, edges[1:])]
    return [int(numpy.rint(min(max(middle, 0), count - 1))) for middle in middles]


def read_by_pyav(path):
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        wanted = set(middle_indices(stream.frames))
        frames = []
        for index, frame in enumerate(container.decode(stream)):
            if index in wanted:
                frames.append(frame.to_ndarray(format="rgb24"))
            if len(frames) == len(wanted):
                return numpy.stack(frames)


def read_by_torchcodec(path):
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, num_ffmpeg_threads=1)
    return decoder.get_frames_at(middle_indices(decoder.metadata.num_frames)).data


def main():
    name, folder, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    read = {"pyav": read_by_pyav, "torchcodec": read_by_torchcodec}[name]
    files = [os.path.join(folder, file) for file in sorted(os.listdir(folder))]
    read(files[0])
    clips, start = 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        while time.monotonic() - start < seconds:
            clips += sum(1 for _ in pool.map(read, files))
    print(clips / (time.monotonic() - start))


if __name__ == "__main__":
    main()
