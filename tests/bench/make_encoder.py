"""A CLIP image encoder of ViT-B/16's geometry with random weights: make_encoder.py FOLDER (README.md, "Peers")."""
import sys

import torch
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection


def main():
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        image_size=224,
        patch_size=16,
        projection_dim=512,
    )
    # With its projection, because its names begin with `vision_model.` in every version of transformers.
    CLIPVisionModelWithProjection(config).eval().save_pretrained(sys.argv[1])


if __name__ == "__main__":
    main()
