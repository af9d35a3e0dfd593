// The scenes of the quickstart's data set: one small textured object on a textured background, moving in one of eight
// ways. The class is object x motion, and the motions come in pairs that are each other's film run backwards.
//
//   const Scene scene = draw_scene(seed, Split::kTrain, class_index, clip);
//   torch::Tensor frames = render_clip(scene, {.side = 96, .frames = 32});   // uint8 [F, 3, H, W]
//   const std::string label = class_name(class_index);                       // "red arrow moving left"
//
// Why it takes video to solve it: the clip of a motion and the clip of its partner are the same frames in the opposite
// order (reversed()), and both are equally likely. So no single frame, and no statistic that ignores the order of
// frames, tells the two apart; a classifier without order is right on half of the clips at best.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::launch {

enum class Object { kArrow, kMoon };
inline constexpr int64_t kObjects = 2;

// Partners are neighbours: the motion with the lowest bit flipped is the motion run backwards.
enum class Motion { kLeft, kRight, kUp, kDown, kClockwise, kCounterClockwise, kGrowing, kShrinking };
inline constexpr int64_t kMotions = 8;
inline constexpr int64_t kDemoClasses = kObjects * kMotions;

enum class Split { kTrain, kValidation };

// A scene as numbers. Lengths are in units of the frame's side with y downwards, angles in radians and clockwise, time
// runs over [-1, 1] from the first frame to the last.
struct Scene {
  Object object = Object::kArrow;
  Motion motion = Motion::kLeft;
  double centre_x = 0.5, centre_y = 0.5;  // at time 0, as are the next two
  double radius = 0.17;
  double angle = 0.0;
  double travel_x = 0.0, travel_y = 0.0;  // per unit of time: half the path
  double turn = 0.0;
  double growth = 0.0;        // of the radius' natural logarithm
  uint64_t texture_seed = 0;  // of background, shade and stripes
};

struct ClipSize {
  int64_t side = 96;  // pixels, even
  int64_t frames = 32;
};

Object class_object(int64_t class_index);
Motion class_motion(int64_t class_index);
Motion partner(Motion motion);
std::string object_name(Object object);       // "red arrow"
std::string class_name(int64_t class_index);  // "green moon turning clockwise", "red arrow growing"
std::vector<std::string> class_names();       // all of them, by index

// Functions of their arguments alone. Training clips, validation clips and stills draw from different random streams,
// whatever their index.
Scene draw_scene(uint64_t seed, Split split, int64_t class_index, int64_t clip);
// A scene of which only one frame is meant to be looked at: any place, size and angle.
Scene draw_still(uint64_t seed, Object object, int64_t image);

// The same frames in the opposite order, as a scene of the partner motion.
Scene reversed(Scene scene);

torch::Tensor render_clip(const Scene& scene, const ClipSize& size);        // uint8 [F, 3, H, W]
torch::Tensor render_frame(const Scene& scene, double time, int64_t side);  // uint8 [3, H, W]

}  // namespace permafrost::launch
