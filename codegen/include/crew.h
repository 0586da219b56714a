/* The threads that stay with one call, and how they get their jobs.

   A call that has enough to do takes threads from OpenMP (or from ``pool.h`` for a
   compiler that has none) once, for all its phases. Thread 0 runs the program; every
   other member has a letter box, where it finds one job after another: a tenth of the
   time that OpenMP takes to begin a parallel loop and to end it. A job that a member
   has not begun can be taken back: nobody waits for a thread without a processor. */
#ifndef SYMGRAPH_CREW_H
#define SYMGRAPH_CREW_H

#include <time.h>

#include "program.h"
#ifdef _OPENMP
#include <omp.h>
#else
#include "pool.h"
#endif

#define SG_MOST_MEMBERS 256
#define SG_LOOKS 5000 /* for a job before a member sleeps between two looks */

typedef struct sg_job sg_job;
static void sg_job_part(const sg_job *job, int64_t member);
static void sg_job_instead(const sg_job *job, int64_t member);

typedef struct sg_crew {
    sg_program *program;
    const sg_call *call;
    sg_box *boxes;
    int64_t code;
} sg_crew;

static const char sg_under_way, sg_no_more;

SG_INLINE void sg_rest(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

SG_INLINE bool sg_exchange(sg_box *box, const void *from, const void *to)
{
    return __atomic_compare_exchange_n(&box->job, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Hand jobs out to members 1 .. team - 1. */
SG_INLINE void sg_hand_out(sg_box *boxes, const sg_job *job, int64_t team)
{
    for (int64_t member = 1; member < team; member++)
        __atomic_store_n(&boxes[member].job, (const void *)job, __ATOMIC_RELEASE);
}

/* Take back what was not begun and do it, and wait for the rest. */
SG_INLINE void sg_collect(sg_box *boxes, const sg_job *job, int64_t team)
{
    for (int64_t member = 1; member < team; member++)
        if (sg_exchange(boxes + member, job, NULL))
            sg_job_instead(job, member);
        else
            while (__atomic_load_n(&boxes[member].job, __ATOMIC_ACQUIRE))
                sg_rest();
}

/* Do what comes into the letter box of ``member`` until there is no more. */
static inline void sg_serve(sg_box *boxes, int64_t member)
{
    sg_box *box = boxes + member;
    const struct timespec while_nothing_comes = {0, 20000};
    for (int64_t looks = 0;; looks++) {
        const void *job = __atomic_load_n(&box->job, __ATOMIC_ACQUIRE);
        if (job == &sg_no_more)
            return;
        if (job && sg_exchange(box, job, &sg_under_way)) {
            sg_job_part((const sg_job *)job, member);
            __atomic_store_n(&box->job, NULL, __ATOMIC_RELEASE);
            looks = 0;
        } else if (looks < SG_LOOKS) {
            sg_rest();
        } else {
            nanosleep(&while_nothing_comes, NULL);
        }
    }
}

/* The part of one member, of ``members`` that are there: the program, or to serve. */
static inline void sg_crew_part(void *given, int64_t member, int64_t members)
{
    sg_crew *crew = (sg_crew *)given;
    if (member > 0) {
        sg_serve(crew->boxes, member);
        return;
    }
    crew->code = crew->program(crew->call, crew->boxes, members);
    for (int64_t other = 1; other < members; other++)
        __atomic_store_n(&crew->boxes[other].job, (const void *)&sg_no_more,
                         __ATOMIC_RELEASE);
}

int64_t sg_run_together(sg_program *program, const sg_call *call, int64_t wanted)
{
    const int64_t members = sg_min(wanted, SG_MOST_MEMBERS);
    sg_box boxes[SG_MOST_MEMBERS];
    memset(boxes, 0, (size_t)members * sizeof *boxes);
    sg_crew crew = {program, call, boxes, 0};
#ifdef _OPENMP
#pragma omp parallel num_threads((int)members)
    sg_crew_part(&crew, omp_get_thread_num(), omp_get_num_threads());
#else
    sg_pool_run(sg_crew_part, &crew, members);
#endif
    return crew.code;
}

#endif
