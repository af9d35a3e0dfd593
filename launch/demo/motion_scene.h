// The scenes of the quickstart's data set: one small textured object on a textured background, moving in one of eight
// ways. The class is object x motion, and the motions come in pairs that are each other's film run backwards.
//
//   Scene scene = draw_scene(seed, Stream::kTrain, class_index, clip);
//   torch::Tensor frames = render_clip(scene, {96, 32});                 // uint8 [F, 3, H, W]
//   const std::string label = class_name(class_index);                   // "red arrow moving left"
//
// Why it is a test of video understanding: a clip of a motion and a clip of its partner are the same set of frames in
// the opposite order (`reversed(scene)`), and both are drawn with equal probability. So no single frame, and no
// statistic that ignores the order of frames, says which of the two it is; a classifier without order is bound to
// half of the classes at best.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::launch {

enum class Object { kArrow, kMoon, kKite };
inline constexpr int64_t kObjects = 3;

// Partners are neighbours: motion ^ 1 is the motion run backwards.
enum class Motion { kLeft, kRight, kUp, kDown, kClockwise, kCounterClockwise, kGrowing, kShrinking };
inline constexpr int64_t kMotions = 8;
inline constexpr int64_t kDemoClasses = kObjects * kMotions;

// What a scene is drawn for. Streams of different purposes never share a random number, whatever their index.
enum class Stream : uint64_t { kTrain = 1, kValidation = 2, kStill = 3 };

// A scene as numbers; lengths in units of the frame's side, angles in radians, time in [-1, 1] over the clip.
struct Scene {
  Object object = Object::kArrow;
  Motion motion = Motion::kLeft;
  double centre_x = 0.5, centre_y = 0.5;  // at time 0
  double radius = 0.2;                    // at time 0
  double angle = 0.0;                     // at time 0
  double travel = 0.0;                    // half the path of a translation
  double turn = 0.0;                      // half the angle of a rotation
  double growth = 0.0;                    // half the logarithm of the ratio of the sizes
  uint64_t texture_seed = 0;              // background, colours, stripes
};

struct ClipSize {
  int64_t side = 96;    // pixels
  int64_t frames = 32;
};

Object class_object(int64_t class_index);
Motion class_motion(int64_t class_index);
// "red arrow moving left", "blue kite turning clockwise", "green moon growing".
std::string class_name(int64_t class_index);
std::vector<std::string> class_names();  // all kDemoClasses, by index
std::string object_name(Object object);  // "red arrow"

// A function of its arguments alone.
Scene draw_scene(uint64_t seed, Stream stream, int64_t class_index, int64_t clip);
// The same frames in the opposite order, as a scene of the partner motion.
Scene reversed(Scene scene);

torch::Tensor render_clip(const Scene& scene, const ClipSize& size);                  // uint8 [F, 3, H, W]
// One frame at `time` in [-1, 1].
torch::Tensor render_frame(const Scene& scene, double time, int64_t side);            // uint8 [3, H, W]

}  // namespace permafrost::launch
