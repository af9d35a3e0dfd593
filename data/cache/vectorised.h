// For functions of plain loops: compiled for AVX2 too, and chosen when the program starts. Neither contracts products
// and sums, so both give the same bits. Not for functions that a header declares: of those some compilers make the AVX2
// form alone.
#pragma once

#if defined(__x86_64__) && defined(__ELF__)
#define PERMAFROST_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define PERMAFROST_VECTORISED
#endif
