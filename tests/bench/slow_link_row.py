"""One line of slow_link.sh: slow_link_row.py FOLDER RANKS MBIT."""
import json
import statistics
import sys

folder, ranks, rate = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def reckoned(name):
    with open(f"{folder}/{name}.json") as file:
        return next(row["step_ms"] for row in json.load(file)["scaling"] if row["ranks"] == ranks)


with open(f"{folder}/slow/metrics.jsonl") as file:
    steps = [line for line in map(json.loads, file) if "compute_ms" in line][1:]
times = {name: statistics.median(step[name] for step in steps)
         for name in ("data_ms", "compute_ms", "communication_ms", "reduction_ms")}
measured = statistics.median(step["data_ms"] + step["compute_ms"] + step["communication_ms"] for step in steps)
fast, alone = reckoned("fast"), reckoned("alone")
print(f"{ranks:<6} {rate:<8} {measured:<10.1f} {fast:<12.1f} {fast / measured:<6.2f} {alone:<12.1f} "
      f"{alone / measured:<6.2f} {times['reduction_ms'] / measured:<14.0%} "
      f"{1 - times['communication_ms'] / times['reduction_ms']:.0%}")
