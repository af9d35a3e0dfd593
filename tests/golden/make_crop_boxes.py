"""Writes crop_boxes.json: torchvision's RandomResizedCrop.get_params fed with our random numbers, for
tests/data/video/transform_test.cc.

    pip install torchvision && python make_crop_boxes.py
"""
import json
import types

import torch
from torchvision.transforms import transforms

MASK = (1 << 64) - 1


class RandomStream:
    """core/base/random.h, with an empty key."""

    def __init__(self, seed):
        self.state = self.mix(seed)

    @staticmethod
    def mix(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return self.mix(self.state)

    def uniform(self, low, high):
        return low + (high - low) * ((self.next() >> 11) * 2.0**-53)

    def below(self, bound):
        limit = MASK - MASK % bound
        value = self.next()
        while value >= limit:
            value = self.next()
        return value % bound


class Drawn:
    def __init__(self, stream):
        self.stream = stream

    def uniform_(self, low, high):
        return torch.tensor(self.stream.uniform(float(low), float(high)), dtype=torch.float64)


def box_of(seed, height, width):
    stream = RandomStream(seed)
    transforms.torch = types.SimpleNamespace(
        empty=lambda _: Drawn(stream),
        randint=lambda low, high, size: torch.tensor(stream.below(high - low) + low),
        log=torch.log, exp=torch.exp, Tensor=torch.Tensor,
        tensor=lambda values: torch.tensor(values, dtype=torch.float64))
    image = torch.empty(3, height, width)
    return [int(x) for x in transforms.RandomResizedCrop.get_params(image, [0.4, 1.0], [3 / 4, 4 / 3])]


def main():
    sizes = [(240, 320), (311, 467), (97, 131), (480, 270), (10, 1000), (1000, 10), (50, 90), (1, 1)]
    cases = [{"seed": seed, "height": h, "width": w, "top_left_height_width": box_of(seed, h, w)}
             for h, w in sizes for seed in range(25)]
    with open("crop_boxes.json", "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
