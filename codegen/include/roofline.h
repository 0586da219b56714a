/* What the machine can do at most: multiply-adds in registers, reads from memory. */
#ifndef SYMGRAPH_ROOFLINE_H
#define SYMGRAPH_ROOFLINE_H

#include "symgraph.h"

#if defined(__AVX512F__)
#define SG_ROOF_BYTES 64
#elif defined(__AVX2__)
#define SG_ROOF_BYTES 32
#else
#define SG_ROOF_BYTES 16
#endif

/* Chains of multiply-adds that do not wait for each other: more than the latency of
   one times how many start in a cycle, and few enough for 16 registers. */
#define SG_CHAINS 12

#ifdef __clang__
#define SG_ROOF_EACH                                                                   \
    _Pragma("clang loop unroll(full)") for (int c = 0; c < SG_CHAINS; c++)
#else
#define SG_ROOF_EACH _Pragma("GCC unroll 12") for (int c = 0; c < SG_CHAINS; c++)
#endif

/* ``turns`` multiply-adds on each lane of each chain; what comes out is of no use, but
   keeps the compiler from leaving them out. */
#define SG_MULTIPLY_ADDS(T, s)                                                         \
    typedef T sg_roof_##s __attribute__((vector_size(SG_ROOF_BYTES)));                 \
    static inline T sg_multiply_adds_##s(int64_t turns, T factor, T term)              \
    {                                                                                  \
        sg_roof_##s chains[SG_CHAINS], total = {0};                                    \
        const sg_roof_##s by = total + factor, plus = total + term;                    \
        SG_ROOF_EACH chains[c] = plus * (T)c;                                          \
        for (int64_t turn = 0; turn < turns; turn++)                                   \
            SG_ROOF_EACH chains[c] = chains[c] * by + plus;                            \
        SG_ROOF_EACH total += chains[c];                                               \
        return total[0];                                                               \
    }

SG_MULTIPLY_ADDS(float, f32)
SG_MULTIPLY_ADDS(double, f64)

/* The sum of ``count`` numbers that begin at ``from``, a multiple of all chains. */
static inline float sg_stream(const float *from, int64_t count)
{
    enum { lanes = SG_ROOF_BYTES / 4 };
    sg_roof_f32 chains[SG_CHAINS], total = {0};
    SG_ROOF_EACH chains[c] = total;
    for (int64_t at = 0; at + SG_CHAINS * lanes <= count; at += SG_CHAINS * lanes)
        SG_ROOF_EACH chains[c] += *(const sg_roof_f32 *)(from + at + c * lanes);
    SG_ROOF_EACH total += chains[c];
    return total[0];
}

#endif
