"""One DiST training step as a careful user writes it in eager PyTorch (README.md, "train-step"). Prints a JSON line.

  --mode cached   features of every layer already in memory: forward, backward, AdamW
  --mode online   the frozen encoder's forward first (transformers' CLIPVisionModel, SDPA)
  --mode vit      that forward alone
  --check FILE    compares the network with a golden file instead (tests/golden/dist_tiny.safetensors)

Inside the network tokens are [L, B*t, channels], class token first, as in the released code.
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

ARCHITECTURES = {  # width, layers, heads, patch, embedding
    "b16": (768, 12, 12, 16, 512),
    "l14": (1024, 24, 16, 14, 768),
}
IMAGE = 224


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.c_proj(quick_gelu(self.c_fc(x)))


class CrossAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attn, self.ln_1 = nn.MultiheadAttention(width, width // 64), nn.LayerNorm(width)

    def forward(self, query, memory):
        memory = self.ln_1(memory)
        return self.attn(self.ln_1(query), memory, memory, need_weights=False)[0]


class TemporalNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.temporal_net = nn.ModuleDict(
            {
                "c_fc1": nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0)),
                "c_fc2": nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1)),
            }
        )
        self.ln = nn.LayerNorm(width)

    def forward(self, x):
        normed = self.ln(x.permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3)
        hidden = quick_gelu(self.temporal_net["c_fc1"](normed))
        return quick_gelu(x + self.temporal_net["c_fc2"](hidden))


class IntegrationNet(nn.Module):
    def __init__(self, width, frames, ratio=0.25):
        super().__init__()
        hidden = int(width * ratio)
        self.frames = frames
        self.ffn, self.ln, self.ln_temporal = Mlp(width, width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.temporal_ffn = nn.ModuleDict(
            {
                "c_fc1": nn.Conv3d(width, hidden, 1),
                "c_fc2": nn.Conv3d(hidden, hidden, (3, 1, 1), padding=(1, 0, 0)),
                "c_proj": nn.Conv3d(hidden, width, 1),
            }
        )

    def forward(self, x):
        tokens, clips = x.shape[0], x.shape[1] // self.frames
        y = self.ln_temporal(x).unflatten(1, (clips, self.frames)).permute(1, 3, 2, 0).unsqueeze(-1)
        net = self.temporal_ffn
        y = net["c_proj"](quick_gelu(net["c_fc2"](net["c_fc1"](y.contiguous()))))
        assert y.shape[3] == tokens
        return self.ffn(self.ln(x)) + y.flatten(3).permute(3, 0, 2, 1).flatten(1, 2)


class TemporalToIntegration(nn.Module):
    def __init__(self, temporal, width, frames, alpha):
        super().__init__()
        self.linear_fuse = nn.Conv3d(temporal, width, (alpha, 1, 1), stride=(alpha, 1, 1))
        self.cls_token = nn.Parameter(torch.randn(1, 1, frames, width) * 0.02)

    def forward(self, x):
        x = self.linear_fuse(x).flatten(3).permute(3, 0, 2, 1)
        return torch.cat([self.cls_token.expand(1, x.shape[1], -1, -1), x]).flatten(1, 2)


class IntegrationToTemporal(nn.Module):
    def __init__(self, width, temporal, frames, alpha):
        super().__init__()
        self.linear_fuse, self.frames, self.alpha = nn.Linear(width, temporal), frames, alpha

    def forward(self, x):
        x = self.linear_fuse(x[1:])
        grid = int(x.shape[0] ** 0.5)
        x = x.unflatten(1, (-1, self.frames)).permute(1, 3, 2, 0).unflatten(3, (grid, grid))
        return F.interpolate(x, size=(self.frames * self.alpha, grid, grid), mode="nearest")


class AdaptivePooling(nn.Module):
    def __init__(self, width, frames):
        super().__init__()
        self.frames = frames
        self.positional_embedding = nn.Parameter(torch.randn(1, frames, width) * 0.02)
        self.temporal_transformer, self.spatial_transformer = CrossAttention(width), CrossAttention(width)
        self.output_map_cls_token, self.ln_out_temp_cls_token = Mlp(width, 4 * width), nn.LayerNorm(width)
        self.output_map_spatial_cls_token, self.ln_out_spat_cls_token = Mlp(width, 4 * width), nn.LayerNorm(width)

    def forward(self, features, clip, frame):
        frame = frame + self.spatial_transformer(frame, features)
        frame = frame + self.output_map_spatial_cls_token(self.ln_out_spat_cls_token(frame))
        memory = (frame[0].unflatten(0, (-1, self.frames)) + self.positional_embedding).permute(1, 0, 2)
        clip = clip + self.temporal_transformer(clip, memory)
        return clip + self.output_map_cls_token(self.ln_out_temp_cls_token(clip)), frame


class DistNet(nn.Module):
    def __init__(self, width, layers, patch, embedding, frames, alpha, temporal=96, hidden=384, poolings=4, kernel=5):
        super().__init__()
        t = frames // alpha
        self.frames = t

        def many(make, count=layers):
            return nn.ModuleList(make() for _ in range(count))

        self.temporal_stem = nn.Conv3d(
            3, temporal, (kernel, patch, patch), (1, patch, patch), (kernel // 2, 0, 0)
        )
        self.input_linears = many(lambda: nn.Linear(width, hidden))
        self.integration2temporal_nets = many(lambda: IntegrationToTemporal(hidden, temporal, t, alpha))
        self.temporal2integration_nets = many(lambda: TemporalToIntegration(temporal, hidden, t, alpha))
        self.temporal_nets = many(lambda: TemporalNet(temporal))
        self.integration_nets = many(lambda: IntegrationNet(hidden, t))
        self.adapooling_nets = many(lambda: AdaptivePooling(hidden, t), poolings)
        self.proj_spatial_cls_token, self.ln_post = nn.Linear(width, hidden), nn.LayerNorm(hidden)
        self.proj = nn.Parameter(torch.randn(hidden, embedding) * hidden**-0.5)
        self.aggregated_cls_token = nn.Parameter(torch.randn(1, 1, hidden) * 0.02)
        self.aggregated_spatial_cls_token = nn.Parameter(torch.randn(1, 1, hidden) * 0.02)

    def forward(self, video, features):
        """video [B, F, 3, S, S]; features: of each layer [L, B*t, C] -> [B, embedding]"""
        clips = video.shape[0]
        x = self.temporal_stem(video.permute(0, 2, 1, 3, 4))
        carried = 0
        for i, layer in enumerate(features):
            x = self.temporal_nets[i](x)
            m = self.input_linears[i](layer) + carried
            back = self.integration2temporal_nets[i](m)
            m = m + self.temporal2integration_nets[i](x)
            carried = self.integration_nets[i](m)
            x = x + back
        clip = self.aggregated_cls_token.expand(1, clips, -1)
        frame = self.aggregated_spatial_cls_token.expand(1, clips * self.frames, -1)
        for pooling in self.adapooling_nets:
            clip, frame = pooling(carried + m, clip, frame)
        frozen = features[-1][0].unflatten(0, (clips, self.frames)).mean(1)
        return self.ln_post(clip[0] + self.proj_spatial_cls_token(frozen)) @ self.proj


def check(path):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["config"])
        golden = {name: file.get_tensor(name) for name in file.keys()}
    net = DistNet(
        config["vit_width"], config["vit_layers"], config["patch"], config["embed_dim"], config["frames"],
        config["alpha"], config["temporal_dim"], config["integration_dim"], config["ada_pooling_layers"],
    )
    net.load_state_dict({name[9:]: value for name, value in golden.items() if name.startswith("dist_net.")})
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    deviation = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    video = (golden["input.video"].float() / 255 - mean) / deviation
    found = net(video, [golden[f"feature.{i}"] for i in range(config["vit_layers"])])
    print("largest difference of the embedding:", (found - golden["output.embedding"]).abs().max().item())


def make_encoder(arch):
    from transformers import CLIPVisionConfig, CLIPVisionModel

    width, layers, heads, patch, _ = ARCHITECTURES[arch]
    return CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, num_attention_heads=heads,
            patch_size=patch, image_size=IMAGE, attn_implementation="sdpa",
        )
    ).eval()


class Run:
    def __init__(self, options):
        self.options = options
        width, layers, _, patch, embedding = ARCHITECTURES[options.arch]
        self.encoder = make_encoder(options.arch).to(torch.bfloat16 if options.dtype == "bf16" else torch.float32)
        self.net = DistNet(width, layers, patch, embedding, options.frames, options.alpha)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=3.2e-4, weight_decay=1e-4)
        self.video = torch.randn(options.batch, options.frames, 3, IMAGE, IMAGE)
        self.text = F.normalize(torch.randn(400, embedding), dim=1)
        self.features = self.encode() if options.mode == "cached" else None

    def cast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.options.dtype == "bf16")

    @torch.no_grad()
    def encode(self):
        frames = self.video[:, :: self.options.alpha].flatten(0, 1).to(self.encoder.dtype)
        layers = self.encoder(frames, output_hidden_states=True).hidden_states[1:]
        return [layer.float().transpose(0, 1) for layer in layers]

    def step(self, features):
        with self.cast():
            embedding = self.net(self.video, features)
        logits = 100 * F.normalize(embedding.float(), dim=1) @ self.text.t()
        targets = torch.zeros(self.options.batch, dtype=torch.long)
        F.cross_entropy(logits, targets, label_smoothing=0.1).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def once(self):
        if self.options.mode == "vit":
            self.encode()
        else:
            self.step(self.encode() if self.features is None else self.features)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["cached", "online", "vit"], default="cached")
    parser.add_argument("--arch", choices=ARCHITECTURES, default="b16")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--alpha", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--check")
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    run = Run(options)
    run.once()
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        run.once()
        seconds.append(time.perf_counter() - start)
    units = options.batch * (options.frames // options.alpha if options.mode == "vit" else 1)
    middle = sorted(seconds)[len(seconds) // 2]
    result = {"bench": "train_step_torch", "per_second": units / middle, "seconds": middle}
    result["unit"] = "frames" if options.mode == "vit" else "clips"
    print(json.dumps(result | {name: getattr(options, name) for name in ("mode", "arch", "frames", "batch", "threads", "dtype")}))


if __name__ == "__main__":
    main()
