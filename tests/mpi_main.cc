// GoogleTest under MPI: every rank runs the same tests in the same order, rank 0 prints the progress, every rank its
// own failures. A rank whose test failed ends the whole job, because the others may be waiting for it in a collective.
#include <gtest/gtest.h>

#include <cstdio>

#include "distributed/mpi_session.h"

namespace {

using permafrost::distributed::MpiSession;

// The other ranks' only voice.
class FailurePrinter : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}

  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const char* file = result.file_name() == nullptr ? "unknown file" : result.file_name();
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_, file, result.line_number(), result.message());
  }

 private:
  int rank_;
};

// At the end of the test and not at its first failure: the rest of the body may say more.
class JobEnder : public testing::EmptyTestEventListener {
 public:
  explicit JobEnder(MpiSession* session) : session_(session) {}

  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::fprintf(stderr, "[rank %d of %d] %s.%s failed\n", session_->rank(), session_->size(), test.test_suite_name(),
                 test.name());
    session_->abort_job(1);
  }

 private:
  MpiSession* session_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  MpiSession session(&argc, &argv);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session.rank() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(session.rank()));
  }
  listeners.Append(new JobEnder(&session));
  const int status = RUN_ALL_TESTS();
  if (testing::UnitTest::GetInstance()->test_to_run_count() > 0) return status;
  std::fprintf(stderr, "no test matches the filter\n");
  return 1;
}
