"""Writes mix.safetensors: mixup and cutmix by timm itself, for tests/core/recipe/mix_test.cc.

    pip install timm==0.9.16 torch safetensors && python make_mix.py

That version has the box of the reference; later ones make a box of odd sides one pixel larger. Every case fixes lambda
and the centre of the box, so that the numbers do not hang on a generator of random numbers.
"""
import numpy
import timm.data.mixup
import timm.loss
import torch
from safetensors.torch import save_file

CLIPS, FRAMES, SIZE, PATCH, CLASSES, SMOOTHING = 4, 2, 24, 8, 5, 0.1
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
DEVIATION = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
# is it cutmix, lambda, row and column of the centre
CASES = [(False, 0.3, 0, 0), (False, 0.875, 0, 0), (True, 0.6, 11, 9), (True, 0.2, 2, 20), (True, 0.99, 0, 23),
         (True, 0.5, 23, 0), (True, 0.0, 12, 12), (False, 0.0, 0, 0)]


def mix(pixels, targets, is_cutmix, drawn, centre):
    mixup = timm.data.mixup.Mixup(0.8, 1.0, label_smoothing=SMOOTHING, num_classes=CLASSES)
    mixup._params_per_batch = lambda: (drawn, is_cutmix)
    centres, boxes = iter(centre), []
    numpy.random.randint = lambda *_, **__: next(centres)
    original = timm.data.mixup.cutmix_bbox_and_lam

    def recorded(*arguments, **named):
        result = original(*arguments, **named)
        boxes.append(result)
        return result

    timm.data.mixup.cutmix_bbox_and_lam = recorded
    mixed = pixels.clone().flatten(1, 2)  # timm knows images: frames become channels
    corrected = mixup._mix_batch(mixed)
    timm.data.mixup.cutmix_bbox_and_lam = original
    soft = timm.data.mixup.mixup_target(targets, CLASSES, corrected, SMOOTHING)
    return mixed.unflatten(1, (FRAMES, 3)), soft, corrected, boxes[0][0] if boxes else None


def main():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (CLIPS, FRAMES, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    targets = torch.tensor([3, 0, 4, 0])
    logits = torch.randn(CLIPS, CLASSES, generator=generator)
    normalised = (pixels / 255 - MEAN) / DEVIATION
    out = {"pixels": pixels, "targets": targets, "logits": logits}
    for i, (is_cutmix, drawn, *centre) in enumerate(CASES):
        mixed, soft, corrected, box = mix(normalised, targets, is_cutmix, drawn, centre)
        name = f"case.{i}."
        out[name + "normalised"] = mixed
        out[name + "soft_targets"] = soft.float()
        out[name + "loss_sum"] = timm.loss.SoftTargetCrossEntropy()(logits, soft.float()).reshape(1) * CLIPS
        out[name + "drawn_and_true_lambda"] = torch.tensor([drawn, corrected], dtype=torch.float64)
        if box is not None:
            top, bottom, left, right = (int(edge) for edge in box)
            out[name + "centre"] = torch.tensor(centre)
            out[name + "box"] = torch.tensor([top, bottom, left, right])
            mask = torch.zeros(1, 1, SIZE, SIZE)
            mask[..., top:bottom, left:right] = 1
            out[name + "partner_share_of_patches"] = torch.nn.functional.avg_pool2d(mask, PATCH).flatten()
    save_file({name: tensor.contiguous() for name, tensor in out.items()}, "mix.safetensors")


main()
