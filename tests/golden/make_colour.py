"""Writes colour.safetensors: what torchvision's functional makes of two frames, for tests/data/video/colour_test.cc.

    pip install torchvision safetensors && python make_colour.py

Frames go through torchvision as float in [0, 1]; the results are float, before any rounding.
"""
import torch
from safetensors.torch import save_file
from torchvision.transforms import functional

ADJUST = [functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation, functional.adjust_hue]
# brightness, contrast, saturation, hue; order
CASES = [((1.4, 1, 1, 0), (0, 1, 2, 3)), ((0.6, 1, 1, 0), (0, 1, 2, 3)), ((1, 1.4, 1, 0), (0, 1, 2, 3)),
         ((1, 0.6, 1, 0), (0, 1, 2, 3)), ((1, 1, 1.2, 0), (0, 1, 2, 3)), ((1, 1, 0.8, 0), (0, 1, 2, 3)),
         ((1, 1, 1, 0.1), (0, 1, 2, 3)), ((1, 1, 1, -0.1), (0, 1, 2, 3)), ((1.3, 0.7, 1.1, 0.05), (3, 1, 0, 2)),
         ((0.75, 1.25, 0.9, -0.08), (2, 3, 1, 0))]


def main():
    generator = torch.Generator().manual_seed(1)
    frames = torch.randint(0, 256, (2, 3, 20, 24), generator=generator, dtype=torch.uint8)
    frames[0, :, :4] = frames[0, :1, :4]  # grey rows: no hue
    frames[0, :, 4], frames[0, :, 5] = 0, 255
    frames[1, 0, :6] = frames[1, 1, :6]  # two channels alike
    out = {"frames": frames}
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(3, 1, 1)
    out["grey"] = (frames * weights).sum(1, keepdim=True).float()
    for i, (factors, order) in enumerate(CASES):
        pixels = frames / 255
        for step in order:
            pixels = ADJUST[step](pixels, factors[step])
        out[f"case.{i}.factors"] = torch.tensor(factors)
        out[f"case.{i}.order"] = torch.tensor(order, dtype=torch.uint8)
        out[f"case.{i}.pixels"] = pixels
    save_file({name: tensor.contiguous() for name, tensor in out.items()}, "colour.safetensors")


main()
