"""growth.py PERMAFROST [FOLDER]: how a train step and the opening of a manifest grow; README.md says what is measured."""
import json
import math
import os
import subprocess
import sys
import tempfile

FRAMES, BATCHES, LAYERS, LINES = (16, 32, 64), (1, 2, 4, 8), (3, 6, 12), (1_000, 10_000, 100_000, 1_000_000)


def run(*command, status_wanted=0):
    """The first line of what a command prints, its seconds by the clock, and its largest resident memory in MB."""
    with tempfile.TemporaryFile("w+") as out:
        start = os.times().elapsed
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = os.times().elapsed - start
        status = os.waitstatus_to_exitcode(status)
        if status != status_wanted:
            sys.exit(f"growth.py: {' '.join(command)}: exit code {status}, expected {status_wanted}")
        out.seek(0)
        return out.readline(), seconds, usage.ru_maxrss / 1024


def exponent(sizes, values):
    """Of the power of size that fits best: the slope of a line through logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def tell(what, sizes, unit, measure):
    seconds, memory = [], []
    for size in sizes:
        took, most = measure(size)
        seconds.append(took)
        memory.append(most)
        print(f"{what:22} {size:9,} {took:10.3f} s {most:9.0f} MB")
    print(f"{what:22} {'grows as':>9} {unit}^{exponent(sizes, seconds):.2f} in time, "
          f"{unit}^{exponent(sizes, memory):.2f} in memory\n", flush=True)


def main():
    if len(sys.argv) > 2:
        os.makedirs(sys.argv[2], exist_ok=True)
        measure_all(sys.argv[1], sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure_all(sys.argv[1], folder)


def measure_all(permafrost, folder):
    os.makedirs(f"{folder}/videos", exist_ok=True)

    def step(*options):
        line, _, memory = run(permafrost, "bench", "train-step", "--dtype", "bf16", "--steps", "3", *options)
        return json.loads(line)["seconds"], memory

    def manifest(lines):
        """A list of `lines` videos that are not there becomes a manifest, which is then opened."""
        with open(f"{folder}/list.csv", "w") as file:
            file.write("label,youtube_id,time_start,time_end,split\n")
            for i in range(lines):
                file.write(f"class {i % 400},{i:011},0,10,{'val' if i % 10 == 0 else 'train'}\n")
        path = f"{folder}/manifest-{lines}.jsonl"
        run(permafrost, "dataset", "scan", "--list", f"{folder}/list.csv", "--root", f"{folder}/videos", "--out", path,
            status_wanted=1)  # as no video is there
        _, seconds, memory = run(permafrost, "dataset", "info", "--manifest", path)
        return seconds, memory

    tell("train step, frames", FRAMES, "F", lambda frames: step("--frames", str(frames)))
    tell("train step, clips", BATCHES, "B", lambda clips: step("--batch", str(clips)))
    tell("train step, layers", LAYERS, "N", lambda layers: step("--cache.layers", f"last:{layers}"))
    tell("manifest opened, lines", LINES, "n", manifest)


if __name__ == "__main__":
    main()
