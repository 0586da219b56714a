/* Work shared out among threads, in contiguous ranges of units.

   The split changes only who computes a unit, never what is computed. */
#ifndef SYMGRAPH_PARALLEL_H
#define SYMGRAPH_PARALLEL_H

#include <time.h>

#include "symgraph.h"

#define SG_SERIAL_COST 32768 /* below this many operations threads do not pay */

SG_INLINE int64_t sg_team(const sg_frame *frame, int64_t units, double work)
{
    const double worth = work / SG_SERIAL_COST;
    const int64_t useful = worth < (double)frame->threads ? (int64_t)worth : frame->threads;
    return sg_min(units, useful);
}

/* Run ``phase`` over 0 .. units; ``cost`` is in rough operations a unit. */
SG_INLINE void sg_parallel(sg_phase *phase, const sg_frame *frame, int64_t units,
                           int64_t cost)
{
    const int64_t team = sg_team(frame, units, (double)units * (double)cost);
    if (team <= 1) {
        if (units > 0)
            phase(frame, 0, units, frame->scratch);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads((int)team)
#endif
    for (int64_t member = 0; member < team; member++)
        phase(frame, units * member / team, units * (member + 1) / team,
              frame->scratch + member * frame->scratch_bytes);
}

/* Seconds on a clock that only moves forward. */
SG_INLINE double sg_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Store the seconds since ``then`` and return the present. */
SG_INLINE double sg_lap(double then, double *seconds)
{
    const double now = sg_clock();
    *seconds = now - then;
    return now;
}

#endif
