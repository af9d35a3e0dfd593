"""Frames a second of transformers' CLIP: vit_peer.py ENCODER_DIR --frames-per-batch M (README.md, "vit")."""
import argparse
import json
import time

import torch
import transformers
from transformers import CLIPVisionModel
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load(folder, dtype):
    model, told = CLIPVisionModel.from_pretrained(
        folder, dtype=dtype, attn_implementation="sdpa", output_loading_info=True
    )
    if told["missing_keys"]:
        raise SystemExit(f"{folder}: no weights for {sorted(told['missing_keys'])[:3]}: give a CLIP image encoder")
    return model.eval()


def encode(model, frames):
    """uint8 [M, 3, S, S] -> the residual stream after every layer, float32 [N, M, L, C]: what a cache is made of."""
    mean = torch.tensor(OPENAI_CLIP_MEAN).view(3, 1, 1)
    deviation = torch.tensor(OPENAI_CLIP_STD).view(3, 1, 1)
    pixels = ((frames / 255 - mean) / deviation).to(model.dtype)
    layers = model(pixel_values=pixels, output_hidden_states=True).hidden_states
    return torch.stack(layers[1:]).float()


@torch.inference_mode()
def measure(model, batch, seconds):
    """Batches and seconds of them."""
    size = model.config.image_size
    frames = torch.randint(256, (batch, 3, size, size), dtype=torch.uint8)
    encode(model, frames)
    batches, start = 0, time.monotonic()
    while (spent := time.monotonic() - start) < seconds:
        encode(model, frames)
        batches += 1
    return batches, spent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("encoder")
    parser.add_argument("--frames-per-batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", choices=TYPES, default="fp32")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = load(options.encoder, TYPES[options.dtype])
    batches, seconds = measure(model, options.frames_per_batch, options.seconds)
    frames = batches * options.frames_per_batch
    result = {
        "bench": "vit_transformers",
        "per_second": frames / seconds,
        "unit": "frames",
        "frames_per_batch": options.frames_per_batch,
        "threads": options.threads,
        "dtype": options.dtype,
        "image_size": model.config.image_size,
        "layers": model.config.num_hidden_layers,
        "width": model.config.hidden_size,
        "frames": frames,
        "seconds": seconds,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
