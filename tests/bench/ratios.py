"""Medians of what took turns: lines "ours peer" on standard input -> one line; ratios.py NAME UNIT."""
import statistics
import sys


def middle(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


rows = [[float(word) for word in line.split()] for line in sys.stdin if line.strip()]
ours, peer = zip(*rows)
ratios = [a / b for a, b in rows]
print(f"{sys.argv[1]:34} ours {middle(ours)}, peer {middle(peer)} {sys.argv[2]}; ratio {middle(ratios)} over {len(rows)} rounds")
