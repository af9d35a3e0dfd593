// The geometry of DiST's trainable half (MODEL.md gives every symbol).
#pragma once

#include <cstdint>
#include <string>

namespace permafrost::core {

struct DistConfig {
  int64_t frames = 16;  // F, frames of the temporal encoder
  int64_t alpha = 2;    // the frozen ViT sees every alpha-th of them
  int64_t image_size = 224;
  int64_t patch_size = 16;        // equal to the ViT's
  int64_t layers = 12;            // N, frozen layers used
  int64_t width = 768;            // C, of the ViT
  int64_t embedding = 512;        // e
  int64_t integration_dim = 384;  // d, a multiple of 64
  int64_t temporal_dim = 96;      // c
  int64_t pooling_layers = 4;     // A: 4 on Kinetics, 2 on SSv2
  int64_t temporal_patch = 5;     // frames under one kernel of the stem, odd
  int64_t temporal_kernel = 3;    // odd
  double temporal_mlp_ratio = 1.0;
  double integration_mlp_ratio = 1.0;
  double integration_temporal_mlp_ratio = 0.25;

  int64_t spatial_frames() const { return frames / alpha; }  // t
  int64_t grid() const { return image_size / patch_size; }   // g
  int64_t tokens() const { return grid() * grid() + 1; }     // L

  // Hidden widths of the temporal nets and of the two halves of the integration nets.
  int64_t temporal_hidden() const { return hidden(temporal_dim, temporal_mlp_ratio); }
  int64_t integration_hidden() const { return hidden(integration_dim, integration_mlp_ratio); }
  int64_t integration_temporal_hidden() const { return hidden(integration_dim, integration_temporal_mlp_ratio); }

 private:
  // Rounds down as the released code does; a ratio that was computed from a width gives that width back.
  static int64_t hidden(int64_t width, double ratio) {
    return static_cast<int64_t>(static_cast<double>(width) * ratio + 1e-6);
  }
};

// Throws ConfigError naming every size that no network can have.
void require_sound(const DistConfig& config);

}  // namespace permafrost::core
