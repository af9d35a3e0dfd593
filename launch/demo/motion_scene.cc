#include "launch/demo/motion_scene.h"

#include <array>
#include <numbers>

#include "core/base/error.h"
#include "core/base/random.h"

namespace permafrost::launch {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr std::array<const char*, kObjects> kObjectNames = {"red arrow", "green moon"};
constexpr std::array<const char*, kMotions> kMotionNames = {
    "moving left", "moving right", "moving up", "moving down", "turning clockwise", "turning counter-clockwise",
    "growing",     "shrinking"};

// First word of every stream's key.
enum Purpose : uint64_t { kTrainClip = 1, kValidationClip = 2, kStillImage = 3 };

// Where the object is and how it looks half-way through, the same for all motions. The spread is small against the
// path: enough that one frame does not give the direction away, little enough that a small network learns it.
Scene draw_middle(core::RandomStream& random) {
  Scene scene;
  scene.centre_x = random.uniform(0.44, 0.56);
  scene.centre_y = random.uniform(0.44, 0.56);
  scene.radius = random.uniform(0.15, 0.19);
  scene.angle = -kPi / 2 + random.uniform(-0.3, 0.3);  // up
  scene.texture_seed = random.next();
  return scene;
}

}  // namespace

Object class_object(int64_t class_index) {
  PERMAFROST_CHECK(class_index >= 0 && class_index < kDemoClasses, "no such class");
  return static_cast<Object>(class_index / kMotions);
}

Motion class_motion(int64_t class_index) {
  PERMAFROST_CHECK(class_index >= 0 && class_index < kDemoClasses, "no such class");
  return static_cast<Motion>(class_index % kMotions);
}

Motion partner(Motion motion) { return static_cast<Motion>(static_cast<int>(motion) ^ 1); }

std::string object_name(Object object) { return kObjectNames[static_cast<size_t>(object)]; }

std::string class_name(int64_t class_index) {
  return object_name(class_object(class_index)) + " " + kMotionNames[static_cast<size_t>(class_motion(class_index))];
}

std::vector<std::string> class_names() {
  std::vector<std::string> names;
  for (int64_t i = 0; i < kDemoClasses; ++i) names.push_back(class_name(i));
  return names;
}

Scene draw_scene(uint64_t seed, Split split, int64_t class_index, int64_t clip) {
  const Purpose purpose = split == Split::kTrain ? kTrainClip : kValidationClip;
  core::RandomStream random(seed, {purpose, static_cast<uint64_t>(class_index), static_cast<uint64_t>(clip)});
  Scene scene = draw_middle(random);
  scene.object = class_object(class_index);
  scene.motion = class_motion(class_index);
  const double path = random.uniform(0.27, 0.34), turn = random.uniform(0.42, 0.56) * kPi,
               growth = random.uniform(0.6, 0.8);
  switch (scene.motion) {
    case Motion::kLeft:
      scene.travel_x = -path;
      break;
    case Motion::kRight:
      scene.travel_x = path;
      break;
    case Motion::kUp:
      scene.travel_y = -path;
      break;
    case Motion::kDown:
      scene.travel_y = path;
      break;
    case Motion::kClockwise:
      scene.turn = turn;
      break;
    case Motion::kCounterClockwise:
      scene.turn = -turn;
      break;
    case Motion::kGrowing:
      scene.growth = growth;
      break;
    case Motion::kShrinking:
      scene.growth = -growth;
      break;
  }
  return scene;
}

Scene draw_still(uint64_t seed, Object object, int64_t image) {
  core::RandomStream random(seed, {kStillImage, static_cast<uint64_t>(object), static_cast<uint64_t>(image)});
  Scene scene = draw_middle(random);
  scene.object = object;
  scene.centre_x = random.uniform(0.2, 0.8);
  scene.centre_y = random.uniform(0.2, 0.8);
  scene.radius = random.uniform(0.075, 0.32);
  scene.angle = random.uniform(0, 2 * kPi);
  return scene;
}

Scene reversed(Scene scene) {
  scene.motion = partner(scene.motion);
  scene.travel_x = -scene.travel_x;
  scene.travel_y = -scene.travel_y;
  scene.turn = -scene.turn;
  scene.growth = -scene.growth;
  return scene;
}

}  // namespace permafrost::launch
