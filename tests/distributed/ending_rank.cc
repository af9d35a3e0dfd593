// ending_rank WAY: the last rank ends or hangs in this way while the others wait for it; "stop" waits for a signal
// instead, and "crawl" is slow but gets on. Prints "ready" on every rank just before, and "rank N is done" after, which
// nobody but "stop", "start" and "crawl" may reach.
#include <torch/types.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/base/error.h"
#include "core/base/log.h"
#include "distributed/communicator.h"
#include "distributed/gradient_reducer.h"
#include "distributed/mpi_session.h"
#include "distributed/process_group.h"
#include "distributed/stop_signal.h"
#include "distributed/watchdog.h"

namespace {

using namespace permafrost;
using distributed::Communicator;

void say_ready() { std::fprintf(stderr, "ready\n"); }

void fail_on_the_last_rank(Communicator& world) {
  if (world.rank() == world.size() - 1) throw core::IoError("the disk of this rank is gone");
  world.barrier();
}

// The others wait inside backward for a gradient that never comes.
void lose_a_gradient(Communicator& world) {
  const auto group = distributed::make_process_group(world, torch::Device(torch::kCPU));
  torch::Tensor used = torch::ones({3}, torch::requires_grad());
  torch::Tensor other = torch::ones({3}, torch::requires_grad());
  distributed::GradientReducer reducer({used, other}, group);
  reducer.prepare_for_backward();
  const bool is_last = world.rank() == world.size() - 1;
  (is_last ? used.sum() : used.sum() + other.sum()).backward();
  reducer.finish();
}

int wait_for_the_signal(Communicator& world) {
  const distributed::StopSignal stop;
  say_ready();
  while (!stop.agreed(world)) ::usleep(1000);
  return core::kExitRequeue;
}

constexpr distributed::Deadlines kDeadlines{.start = 3, .step = 1.5, .shutdown = 3};

void hang() {
  for (;;) ::pause();
}

void take_steps(distributed::MpiSession& session, Communicator& world, const std::string& way) {
  const distributed::StopSignal stop;
  distributed::Watchdog watchdog(session, world, stop, kDeadlines);
  const bool is_last = world.rank() == world.size() - 1;
  say_ready();
  for (int step = 1; step <= 4; ++step) {
    watchdog.enter(distributed::Phase::kStep, step);
    if (is_last && way == "crawl") {  // each part within the deadline, together beyond it
      for (int part = 0; part < 3; ++part) {
        ::usleep(700'000);
        watchdog.enter(distributed::Phase::kStep, step);
      }
    }
    if (is_last && way == "hang_in_step" && step == 3) hang();
    world.barrier();
  }
  if (is_last && way == "hang_at_end") hang();
}

int run(distributed::MpiSession& session, Communicator& world, const std::string& way) {
  if (way == "start") return core::kExitDone;
  if (way == "hang_in_step" || way == "hang_at_end" || way == "crawl") {
    take_steps(session, world, way);
    return core::kExitDone;
  }
  if (way == "stop") return wait_for_the_signal(world);
  say_ready();
  if (way == "throw" || way == "throw_in_session") fail_on_the_last_rank(world);
  if (way == "no_gradient") lose_a_gradient(world);
  if (way == "vanish") {
    if (world.rank() == world.size() - 1) ::_exit(3);
    world.barrier();
  }
  return core::kExitDone;
}

// As a main must not do it: the exception destroys the session on its way out.
void run_with_a_session_inside(int argc, char** argv) {
  distributed::MpiSession session(&argc, &argv);
  Communicator world(session);
  run(session, world, argv[1]);
}

int run_outside(int argc, char** argv) {
  distributed::MpiSession session(&argc, &argv, kDeadlines);
  try {
    Communicator world(session);
    const int status = run(session, world, argv[1]);
    std::fprintf(stderr, "rank %d is done\n", session.rank());
    return status;
  } catch (const core::Error& error) {
    core::log_error() << error.what();
    session.abort_job(error.exit_code());
  }
}

}  // namespace

int main(int argc, char** argv) {
  core::start_logging(argv[0], core::LogLevel::kInfo);
  const std::string way = argv[1];
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (way == "hang_before_mpi") say_ready();
  if (way == "hang_before_mpi" && rank != nullptr && std::string(rank) == "1") hang();
  try {
    if (way != "throw_in_session") return run_outside(argc, argv);
    run_with_a_session_inside(argc, argv);
  } catch (const core::Error& error) {
    core::log_error() << error.what();
    return error.exit_code();
  }
}
