"""Tiny encoders of every family with random weights, and what transformers computes with them.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch transformers safetensors
    /tmp/oracle/bin/python tests/golden/make_encoder_fixtures.py tests/golden

Each directory: config.json, model.safetensors (save_pretrained's own), preprocessor_config.json where the family has
one to say something, and expected.safetensors: `input.pixel_values`, `hidden_states.i` (0: what enters the first block),
`output.image_embeds`; the same once more under `other_size.` for another image size.
"""

import json
import os
import sys

import torch
import transformers as hf
from safetensors.torch import save_file

SIZE = 32  # of the image; the other size is 48, and 24 for SigLIP 2, whose positions shrink with antialiasing
SHARED = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIZE, patch_size=8)


def draw(model, generator):
    """Every parameter away from what a framework starts with: no bias is 0, no norm is 1."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() == 1 and name.endswith(("weight", "lambda1")):
                p.copy_(1 + 0.2 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            elif "position" in name or "token" in name or "probe" in name:
                p.copy_(0.5 * noise)
            else:
                p.copy_(noise * p.flatten(1).shape[1] ** -0.5)


def patches(pixels, size):
    """Siglip2's image processor: [M, 3, S, S] -> [M, n, p*p*3]."""
    m, c, s, _ = pixels.shape
    g = s // size
    return pixels.reshape(m, c, g, size, g, size).permute(0, 2, 4, 3, 5, 1).reshape(m, g * g, size * size * c)


def run(model, config, pixels):
    if config.model_type == "siglip2_vision_model":
        flat = patches(pixels, config.patch_size)
        g = pixels.shape[-1] // config.patch_size
        out = model(flat, torch.ones(flat.shape[:2], dtype=torch.int64),
                    torch.tensor([[g, g]] * len(pixels)), output_hidden_states=True)
    elif config.model_type == "dinov2" or config.model_type == "dinov2_with_registers":
        out = model(pixels, output_hidden_states=True)  # these always interpolate
    else:
        out = model(pixels, output_hidden_states=True, interpolate_pos_encoding=True)
    if config.model_type == "clip_vision_model":
        image = out.image_embeds
    elif config.model_type == "vit":
        image = out.last_hidden_state[:, 0]
    else:
        image = out.pooler_output
    states = {f"hidden_states.{i}": h.contiguous() for i, h in enumerate(out.hidden_states)}
    return {"input.pixel_values": pixels, **states, "output.image_embeds": image.contiguous()}


def make(root, name, model_class, config, other_size, preprocessor=None):
    generator = torch.Generator().manual_seed(len(name) * 1000 + sum(name.encode()))
    model = model_class(config).eval()
    draw(model, generator)
    folder = os.path.join(root, name)
    model.save_pretrained(folder)
    for extra in ("generation_config.json",):
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    if preprocessor:
        with open(os.path.join(folder, "preprocessor_config.json"), "w") as file:
            json.dump(preprocessor, file, indent=2)
            file.write("\n")
    with torch.no_grad():
        expected = run(model, config, torch.randn(2, 3, SIZE, SIZE, generator=generator))
        other = run(model, config, torch.randn(1, 3, other_size, other_size, generator=generator))
    expected.update({"other_size." + key: value for key, value in other.items()})
    save_file(expected, os.path.join(folder, "expected.safetensors"))


def main(root):
    imagenet = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    make(root, "encoder_clip", hf.CLIPVisionModelWithProjection,
         hf.CLIPVisionConfig(**SHARED, intermediate_size=64, projection_dim=24, hidden_act="quick_gelu"), 48)
    make(root, "encoder_dinov2", hf.Dinov2Model, hf.Dinov2Config(**SHARED, mlp_ratio=2), 48, imagenet)
    make(root, "encoder_dinov2_giant", hf.Dinov2Model,
         hf.Dinov2Config(**SHARED, mlp_ratio=4, use_swiglu_ffn=True, qkv_bias=False), 24, imagenet)
    make(root, "encoder_dinov2_with_registers", hf.Dinov2WithRegistersModel,
         hf.Dinov2WithRegistersConfig(**SHARED, mlp_ratio=2, num_register_tokens=3), 24, imagenet)
    make(root, "encoder_siglip", hf.SiglipVisionModel, hf.SiglipVisionConfig(**SHARED, intermediate_size=64), 48)
    siglip2 = {key: value for key, value in SHARED.items() if key != "image_size"}
    make(root, "encoder_siglip2", hf.Siglip2VisionModel,
         hf.Siglip2VisionConfig(**siglip2, intermediate_size=64, num_patches=(SIZE // 8) ** 2), 24)
    make(root, "encoder_vit", hf.ViTModel, hf.ViTConfig(**SHARED, intermediate_size=64), 48)


if __name__ == "__main__":
    main(sys.argv[1])
