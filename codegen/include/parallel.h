/* Work shared out among threads, in contiguous ranges of units.

   The split changes only who computes a unit, never what is computed. The threads are
   those of OpenMP, or of ``pool.h`` for a compiler that has none. */
#ifndef SYMGRAPH_PARALLEL_H
#define SYMGRAPH_PARALLEL_H

#include <time.h>

#include "symgraph.h"
#ifndef _OPENMP
#include "pool.h"
#endif

#define SG_SERIAL_COST 32768 /* fewer operations than this are not worth a thread */

/* How many threads are worth their while. */
SG_INLINE int64_t sg_team(const sg_frame *frame, int64_t units, int64_t cost)
{
    const double worth = (double)units * (double)cost / SG_SERIAL_COST;
    const double most = (double)sg_min(units, frame->threads);
    return worth < most ? (int64_t)worth : (int64_t)most;
}

/* A phase at work: member m of the team has the m-th part of its units. */
typedef struct sg_job {
    sg_phase *phase;
    const sg_frame *frame;
    int64_t units, team;
} sg_job;

static inline void sg_job_part(const void *given, int64_t member)
{
    const sg_job *job = (const sg_job *)given;
    const int64_t begin = job->units * member / job->team;
    const int64_t end = job->units * (member + 1) / job->team;
    char *const scratch = job->frame->scratch;
    job->phase(job->frame, begin, end, scratch + member * job->frame->scratch_bytes);
}

/* Run ``phase`` over 0 .. units; ``cost`` is in rough operations a unit. */
SG_OUTLINE void sg_parallel(sg_phase *phase, const sg_frame *frame, int64_t units,
                               int64_t cost)
{
    const int64_t team = sg_team(frame, units, cost);
    if (team <= 1) {
        if (units > 0)
            phase(frame, 0, units, frame->scratch);
        return;
    }
    const sg_job job = {phase, frame, units, team};
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads((int)team)
    for (int64_t member = 0; member < team; member++)
        sg_job_part(&job, member);
#else
    sg_pool_run(sg_job_part, &job, team);
#endif
}

/* Seconds on a clock that only moves forward. */
SG_OUTLINE double sg_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A kernel is done: note its time where that is wanted; whether the call must stop. */
SG_OUTLINE bool sg_done(sg_frame *frame, int64_t kernel)
{
    if (frame->seconds) {
        const double now = sg_clock();
        frame->seconds[kernel] += now - frame->then; /* more than once in a loop */
        frame->then = now;
    }
    return *frame->error != 0;
}

#endif
