"""Lines of training.sh: training_row.py pairs PRECISION FOLDER PAIRS | start FOLDER RUNS | stall FOLDER PAIRS."""
import datetime
import json
import statistics
import sys


def steps_of(run):
    """What the run wrote of its steps, but the first."""
    with open(f"{run}/metrics.jsonl") as file:
        return [line for line in map(json.loads, file) if "compute_ms" in line]


def rate(run):
    return statistics.median(step["samples_per_second"] for step in steps_of(run)[1:])


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def pairs(precision, folder, count):
    ratios = [rate(f"{folder}/two-{i}") / rate(f"{folder}/one-{i}") for i in range(1, int(count) + 1)]
    print(f"2 ranks over 1, {precision}: {spread(ratios)} of {count} pairs")


def start(folder, count):
    seconds = []
    for i in range(1, int(count) + 1):
        with open(f"{folder}/begun-{i}") as file:
            begun = float(file.read())
        # The first line is written when the first step is done; its time has whole seconds, a file's has more.
        with open(f"{folder}/start-{i}/metrics.jsonl") as file:
            first = next(line for line in map(json.loads, file) if "compute_ms" in line)
        stamp = datetime.datetime.fromisoformat(first["time"].replace("Z", "+00:00")).timestamp()
        seconds.append(stamp + 1 - begun)
    print(f"start to the end of the first step, 2 ranks: at most {spread(seconds)} s of {count} runs")


def stall(folder, count):
    def seconds(run):
        return sum(step["data_ms"] + step["compute_ms"] + step["communication_ms"] + step["checkpoint_ms"]
                   for step in steps_of(run)[25:125]) / 1e3  # checkpoints at 50 and 100

    ratios = [seconds(f"{folder}/some-{i}") / seconds(f"{folder}/none-{i}") for i in range(1, int(count) + 1)]
    print(f"a checkpoint every 50 steps over none: {spread(ratios)} of {count} pairs")


if __name__ == "__main__":
    {"pairs": pairs, "start": start, "stall": stall}[sys.argv[1]](*sys.argv[2:])
