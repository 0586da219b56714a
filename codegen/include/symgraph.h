/* What every generated file starts with: types, the frame of a call, sizes. */
#ifndef SYMGRAPH_H
#define SYMGRAPH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SG_INLINE static inline __attribute__((always_inline, unused))
#define SG_EXPORT __attribute__((visibility("default")))

/* One call: where everything is. Phases only read it, but for the error. */
typedef struct sg_frame {
    char *const *buffers;
    const int64_t *sizes;
    char *shared;          /* this kernel's memory, for all its phases */
    char *scratch;         /* one slice a thread */
    int64_t scratch_bytes; /* of one slice */
    int64_t threads;
    int64_t *error; /* the first error that a Check found; 0 is none */
} sg_frame;

typedef void sg_phase(const sg_frame *frame, int64_t begin, int64_t end, char *scratch);

/* Note an error; the first one stays. */
SG_INLINE void sg_fail(const sg_frame *frame, int64_t code)
{
    int64_t none = 0;
    __atomic_compare_exchange_n(frame->error, &none, code, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

/* Sizes: divisors are positive, quotients round down. */
SG_INLINE int64_t sg_mod(int64_t left, int64_t right)
{
    const int64_t rest = left % right;
    return rest < 0 ? rest + right : rest;
}

SG_INLINE int64_t sg_floordiv(int64_t left, int64_t right)
{
    return (left - sg_mod(left, right)) / right;
}

SG_INLINE int64_t sg_min(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

SG_INLINE int64_t sg_max(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

#endif
