/* What a program calls to run its phases on some threads.

   All of it is compiled once, with ``crew.h`` and ``parallel.h``, and linked with every
   module: see ``runtime.h``. */
#ifndef SYMGRAPH_PROGRAM_H
#define SYMGRAPH_PROGRAM_H

#include "symgraph.h"

#define SG_SERIAL_COST 4096 /* fewer operations than this are not worth a thread */
#define SG_GOES_ON (-1)     /* more of the kernel follows */

/* Empty, or with a job that may be begun, or with the mark of one that is under way. */
typedef struct sg_box {
    const void *job;
} __attribute__((aligned(64))) sg_box;

/* Find the data of ``count`` array objects; false if one is no plain array. */
bool sg_unpack(const sg_call *call, int64_t count);

/* Find all buffers of a call: those that are given, then the slots of its arena. */
void sg_place(const sg_call *call, int64_t given, int64_t slots, char **to);

/* The code of the check that ended a call, or 0, after its numbers were handed out. */
int64_t sg_outcome(const sg_call *call, const sg_error *error);

typedef int64_t sg_program(const sg_call *call, sg_box *boxes, int64_t members);

/* Run a program with ``wanted`` threads, which are more than one. */
int64_t sg_run_together(sg_program *program, const sg_call *call, int64_t wanted);

/* Run a program with as many threads as are worth their while, by ``most``. */
SG_INLINE int64_t sg_run(sg_program *program, const sg_call *call, int64_t most)
{
    const int64_t wanted = sg_min(most, call->threads);
    return wanted <= 1 ? program(call, NULL, 1) : sg_run_together(program, call, wanted);
}

/* Seconds on a clock that only moves forward. */
double sg_clock(void);

/* Run a phase, which tells itself from others by ``given``, the last of ``kernel``. */
void sg_step(sg_frame *frame, sg_phase *phase, const int64_t *given, int64_t units,
             int64_t cost, int64_t kernel);

/* A phase of a joined job, of which ``weight`` units are the ``units`` of the phase. */
typedef struct sg_part {
    sg_phase *phase;
    const int64_t *given;
    int64_t units, weight;
} sg_part;

/* Run ``count`` kernels from ``kernel`` on together, which weigh ``total``; or one
   after another where they are timed. */
void sg_join(sg_frame *frame, const sg_part *parts, int64_t count, int64_t total,
             int64_t kernel);

/* Threads for each kernel of a strand or a line: one where these are dealt out whole,
   which ``given`` tells them. */
SG_INLINE int64_t sg_own_members(const sg_frame *all)
{
    return all->given ? 1 : all->members;
}

/* Run ``count`` strands of a loop, which cost so many rough operations each; where
   kernels are timed, one after another. */
void sg_strands(sg_phase *strands, sg_frame *frame, int64_t count, int64_t cost);

/* Run ``count`` lines of kernels that do not need each other. The ``longest`` costs so
   much, and all of them so much in phases that one thread does ``alone`` and in phases
   that can be ``shared``, which are ``handovers``: one after another, or a thread for
   each line if that is done sooner. */
void sg_branches(sg_phase *lines, sg_frame *frame, int64_t count, int64_t longest,
                 int64_t alone, int64_t shared, int64_t handovers);

#endif
