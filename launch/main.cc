#include "launch/program.h"

int main(int argc, char** argv) { return permafrost::launch::run_program(argc, argv); }
