#include "launch/program.h"

// Read by jemalloc before main(). The tensors of one clip or step are as large as those of the next: memory that goes
// back to the system in between comes again as fresh pages, which took a twelfth of a build. Large pages spare a step a
// hundredth.
extern "C" const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,thp:always";

int main(int argc, char** argv) { return permafrost::launch::run_program(argc, argv); }
