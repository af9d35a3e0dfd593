// Scenes to pixels: shapes as signed distances, one pixel of smooth edge, textures from the scene's own stream.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/base/random.h"
#include "launch/demo/motion_scene.h"

namespace permafrost::launch {
namespace {

constexpr int64_t kColourCells = 5, kGreyCells = 20;  // of the background's random grids
constexpr double kColourSpread = 0.11, kGreySpread = 0.09, kObjectColourSpread = 0.075;
constexpr double kReach = 1.1;  // no shape leaves this many radii
constexpr std::array<std::array<double, 3>, kObjects> kColours = {{{0.85, 0.2, 0.2}, {0.2, 0.7, 0.25}}};

// What does not move.
struct Texture {
  std::vector<float> background;  // [3, side, side], 0..1
  std::array<double, 3> colour;
  double stripes, phase;  // of the object, along its axis
};

// A grid of random values seen through bilinear interpolation, its corners on the image's corners.
class Cells {
 public:
  Cells(int64_t cells, double spread, core::RandomStream& random) : cells_(cells), values_(cells * cells) {
    for (double& value : values_) value = random.uniform(-spread, spread);
  }
  // x, y in 0..1
  double at(double x, double y) const {
    const double u = x * static_cast<double>(cells_ - 1), v = y * static_cast<double>(cells_ - 1);
    const int64_t i = std::min(static_cast<int64_t>(u), cells_ - 2), j = std::min(static_cast<int64_t>(v), cells_ - 2);
    const double* row = &values_[j * cells_ + i];
    const double* next_row = row + cells_;
    const double du = u - static_cast<double>(i), dv = v - static_cast<double>(j);
    return (1 - dv) * ((1 - du) * row[0] + du * row[1]) + dv * ((1 - du) * next_row[0] + du * next_row[1]);
  }

 private:
  int64_t cells_;
  std::vector<double> values_;
};

Texture make_texture(const Scene& scene, int64_t side) {
  core::RandomStream random(scene.texture_seed, {});
  Texture texture;
  for (size_t c = 0; c < 3; ++c) {
    const double spread = kObjectColourSpread;
    texture.colour[c] = kColours[static_cast<size_t>(scene.object)][c] + random.uniform(-spread, spread);
  }
  texture.stripes = random.uniform(5, 9);
  texture.phase = random.uniform(0, 6);
  const Cells grey(kGreyCells, kGreySpread, random);
  texture.background.reserve(3 * side * side);
  const double last = static_cast<double>(side - 1);
  for (int64_t c = 0; c < 3; ++c) {
    const Cells colour(kColourCells, kColourSpread, random);
    for (int64_t i = 0; i < side * side; ++i) {
      const double x = static_cast<double>(i % side) / last, y = static_cast<double>(i / side) / last;
      texture.background.push_back(static_cast<float>(0.5 + colour.at(x, y) + grey.at(x, y)));
    }
  }
  return texture;
}

// Signed distance (negative inside) at u along the object's axis and v across, in radii.
double distance_to(Object object, double u, double v) {
  if (object == Object::kMoon) return std::max(std::hypot(u, v) - 0.85, 0.62 - std::hypot(u - 0.45, v));
  const double shaft = std::max(std::abs(u + 0.35) - 0.55, std::abs(v) - 0.22);
  const double head = std::max(-u, (u - 0.9) * 0.707 + std::abs(v) * 0.9);
  return std::min(shaft, head);
}

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0))); }

// Writes one frame, [3, side, side].
void paint(const Scene& scene, const Texture& texture, double time, int64_t side, uint8_t* pixels) {
  const double radius = scene.radius * std::exp(scene.growth * time), angle = scene.angle + scene.turn * time;
  const double centre_x = scene.centre_x + scene.travel_x * time, centre_y = scene.centre_y + scene.travel_y * time;
  const double cosine = std::cos(angle) / radius, sine = std::sin(angle) / radius;
  const double pixels_per_radius = radius * static_cast<double>(side);
  const int64_t plane = side * side;
  for (int64_t i = 0; i < plane; ++i) {
    const double x = (static_cast<double>(i % side) + 0.5) / static_cast<double>(side) - centre_x;
    const double y = (static_cast<double>(i / side) + 0.5) / static_cast<double>(side) - centre_y;
    const double u = cosine * x + sine * y, v = cosine * y - sine * x;
    double cover = 0, shade = 0;
    if (u * u + v * v < kReach * kReach) {
      cover = std::clamp(0.5 - distance_to(scene.object, u, v) * pixels_per_radius, 0.0, 1.0);
      shade = 0.85 + 0.2 * std::sin(texture.stripes * u + texture.phase) + (v > 0 ? 0.12 : -0.12);
    }
    for (int64_t c = 0; c < 3; ++c) {
      const double behind = texture.background[c * plane + i];
      pixels[c * plane + i] = to_byte(behind + cover * (texture.colour[c] * shade - behind));
    }
  }
}

}  // namespace

torch::Tensor render_clip(const Scene& scene, const ClipSize& size) {
  PERMAFROST_CHECK(size.side >= 2 && size.frames >= 2, "a clip needs two pixels and two frames");
  const Texture texture = make_texture(scene, size.side);
  torch::Tensor frames = torch::empty({size.frames, 3, size.side, size.side}, torch::kUInt8);
  for (int64_t k = 0; k < size.frames; ++k) {
    // Twice k less the last: symmetric about 0 to the bit, so that reversed() is.
    const double time = static_cast<double>(2 * k - (size.frames - 1)) / static_cast<double>(size.frames - 1);
    paint(scene, texture, time, size.side, frames.data_ptr<uint8_t>() + k * 3 * size.side * size.side);
  }
  return frames;
}

torch::Tensor render_frame(const Scene& scene, double time, int64_t side) {
  PERMAFROST_CHECK(side >= 2, "a frame needs two pixels");
  torch::Tensor frame = torch::empty({3, side, side}, torch::kUInt8);
  paint(scene, make_texture(scene, side), time, side, frame.data_ptr<uint8_t>());
  return frame;
}

}  // namespace permafrost::launch
