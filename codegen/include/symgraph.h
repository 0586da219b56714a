/* What every generated file starts with: types, the frame of a call, sizes. */
#ifndef SYMGRAPH_H
#define SYMGRAPH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SG_INLINE static inline __attribute__((always_inline, unused))
#define SG_OUTLINE static __attribute__((noinline, unused))
/* One copy for all callers: not inlined, and no clone for the constants of one. */
#ifdef __clang__
#define SG_SHARED static __attribute__((noinline, unused))
#else
#define SG_SHARED static __attribute__((noipa, unused))
#endif
/* The same where files of a module have one copy between them. */
#ifdef __clang__
#define SG_COMMON __attribute__((noinline))
#else
#define SG_COMMON __attribute__((noipa))
#endif
#define SG_EXPORT __attribute__((visibility("default")))

/* The words of a NumPy array object, from its type on; see ``pointers.py``. */
typedef struct sg_array {
    const void *type;
    char *data;
    int ndim;
    const intptr_t *shape, *strides;
    const void *base;
    const void *dtype;
    int flags;
} sg_array;

#define SG_PLAIN 0x101 /* flags of an array that is contiguous and aligned */
#define SG_NOT_PLAIN INT64_MIN

/* One call, as the caller gives it; ``declarations.py`` has the same. */
typedef struct sg_call {
    char **arguments; /* pointers of the arguments, then of the constants */
    const int64_t *sizes;
    char *arena;
    const int64_t *offsets; /* of the slots in the arena */
    int64_t threads;
    double *seconds;        /* NULL, or where the time of each kernel goes */
    intptr_t items;         /* 0, or the address of the array objects' addresses */
    intptr_t array;         /* where in an array object an sg_array begins */
    intptr_t type;          /* what its type must be */
    const intptr_t *dtypes; /* and its dtype, for each argument */
    int64_t *found;         /* NULL, or where the numbers of a failed check go */
} sg_call;

typedef int64_t sg_entry(const sg_call *call);

#define SG_FOUND 3 /* numbers that a check may give */

/* A check that failed: its code (0 is none), the unit where its phase began. */
typedef struct sg_error {
    int64_t code, begin, found[SG_FOUND];
    bool busy; /* while a thread writes it */
} sg_error;

/* What the phases of a call see. They only read it, but for the error. */
typedef struct sg_frame {
    char *const *buffers;
    const int64_t *sizes;
    const int64_t *given;  /* what tells this phase from others of its function */
    char *shared;          /* this kernel's memory, for all its phases */
    char *scratch;         /* one slice a thread */
    int64_t scratch_bytes; /* of one slice */
    struct sg_box *boxes;  /* where the other members get their jobs */
    int64_t members;       /* of the crew */
    sg_error *error;       /* the first that a Check found */
    double *seconds, then; /* where times go, and when the last kernel ended */
} sg_frame;

typedef void sg_phase(const sg_frame *frame, int64_t begin, int64_t end, char *scratch);

/* Note an error; that of the first units stays, however threads share them. */
void sg_fail(const sg_frame *frame, int64_t begin, int64_t code, int64_t a, int64_t b,
             int64_t c);

/* Sizes: quotients round down, and are 0 with their rest where the divisor is 0. The
   compiler decides where these are worth a copy: not in the entry, which has hundreds. */
static inline __attribute__((unused)) int64_t sg_mod(int64_t left, int64_t right)
{
    const int64_t rest = right ? left % right : 0;
    return rest + (rest && (rest < 0) != (right < 0) ? right : 0);
}

static inline __attribute__((unused)) int64_t sg_floordiv(int64_t left, int64_t right)
{
    const int64_t rest = right ? left % right : 0;
    return right ? left / right - (rest && (rest < 0) != (right < 0)) : 0;
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
