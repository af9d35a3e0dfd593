#include "distributed/heartbeats.h"

#include <algorithm>

#include "core/base/error.h"

namespace permafrost::distributed {
namespace {

constexpr int kTag = 1;

bool is_done(MPI_Request& request) {
  int done = 0;
  MPI_TRY(MPI_Test(&request, &done, MPI_STATUS_IGNORE));  // of no request: true
  return done != 0;
}

}  // namespace

Heartbeats::Heartbeats(const Communicator& world) : world_(world.duplicate()) {
  for (int rank = 0; rank < world_.size(); ++rank) {
    if (rank == world_.rank() || (rank != 0 && !world_.is_root())) continue;
    peers_.push_back(rank);
    links_.push_back({.peer = rank, .in = {}, .out = {}});
    ask(links_.back());
  }
}

const Heartbeats::Link& Heartbeats::link_of(int peer) const {
  return links_.at(world_.is_root() ? static_cast<size_t>(peer) - 1 : 0);
}

double Heartbeats::silence_seconds(int peer) const {
  return std::chrono::duration<double>(Clock::now() - heard(peer).when).count();
}

void Heartbeats::ask(Link& link) {
  MPI_TRY(MPI_Irecv(&link.in, sizeof link.in, MPI_BYTE, link.peer, kTag, world_.get(), &link.receive));
}

void Heartbeats::listen(Link& link) {
  while (!link.heard.beat.is_last && is_done(link.receive)) {
    link.heard = {link.in, Clock::now()};
    if (!link.in.is_last) ask(link);
  }
}

void Heartbeats::say(Link& link, const Beat& beat) {
  if (link.out.is_last || !is_done(link.send)) return;
  link.out = beat;
  MPI_TRY(MPI_Isend(&link.out, sizeof link.out, MPI_BYTE, link.peer, kTag, world_.get(), &link.send));
}

void Heartbeats::exchange(const Beat& own) {
  for (Link& link : links_) {
    listen(link);
    say(link, own);
  }
}

// Rank 0 leaves last: it answers until all others have said that they leave.
bool Heartbeats::leave(Beat own) {
  for (Link& link : links_) listen(link);
  const bool have_all_left =
      std::all_of(links_.begin(), links_.end(), [](const Link& link) { return link.heard.beat.is_last != 0; });
  own.is_last = !world_.is_root() || have_all_left;
  for (Link& link : links_) say(link, own);
  const bool has_said =
      std::all_of(links_.begin(), links_.end(), [](Link& link) { return link.out.is_last != 0 && is_done(link.send); });
  return have_all_left && has_said;
}

}  // namespace permafrost::distributed
