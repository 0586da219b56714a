/* Work shared out among the members of a crew, in contiguous ranges of units.

   Every member begins with its own share of the units, the same at every call, and
   takes it in pieces that become smaller; who is done takes from the shares of others
   that are late. So a thread that was interrupted, or whose core is slower, is not
   waited for; but who is only a little behind is, as its data is in its own cache, and
   what another has read costs it much to write again. The split changes only who
   computes a unit, never what is computed. */
#ifndef SYMGRAPH_PARALLEL_H
#define SYMGRAPH_PARALLEL_H

#include "crew.h"

#define SG_PIECE_COST 8192    /* nor are fewer than this worth taking by themselves */
#define SG_LATE_COST 65536    /* who has more than this left is late */
#define SG_WEIGHT 1024        /* operations of a unit of a joined job, as Python knows */
#define SG_HANDOVER_COST 8192 /* what sharing a phase out costs, as Python knows */

/* How many threads are worth their while. */
SG_INLINE int64_t sg_team(const sg_frame *frame, int64_t units, int64_t cost)
{
    const double worth = (double)units * (double)cost / SG_SERIAL_COST;
    const int64_t some = sg_min(units, frame->members);
    return worth < (double)some ? (int64_t)worth : some;
}

/* What is left of a member's share; each has a cache line to itself. Others take from it
   while more than ``kept`` units are left. */
typedef struct sg_share {
    int64_t next, end, kept;
} __attribute__((aligned(64))) sg_share;

/* A phase at work. */
struct sg_job {
    sg_phase *phase;
    const sg_frame *frame;
    sg_share *shares;
    int64_t team, least; /* units of the smallest piece */
};

/* The next piece of a share: half of what is left. False if that is not more than
   ``kept``. */
static inline bool sg_take(sg_share *share, int64_t kept, int64_t least, int64_t *begin,
                           int64_t *end)
{
    *begin = __atomic_load_n(&share->next, __ATOMIC_RELAXED);
    do {
        const int64_t left = share->end - *begin;
        if (left <= kept)
            return false;
        *end = *begin + sg_min(left, sg_max(left / 2, least));
    } while (!__atomic_compare_exchange_n(&share->next, begin, *end, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

/* Do what is left of a share, or all but ``kept`` units of it, as ``member``. */
static inline void sg_job_share(const sg_job *job, sg_share *share, int64_t kept,
                                int64_t member)
{
    char *const scratch = job->frame->scratch + member * job->frame->scratch_bytes;
    int64_t begin, end;
    while (sg_take(share, kept, job->least, &begin, &end))
        job->phase(job->frame, begin, end, scratch);
}

/* A member's work: its own share, then what others have left who are late. */
static void sg_job_part(const sg_job *job, int64_t member)
{
    sg_job_share(job, job->shares + member, 0, member);
    for (int64_t turn = 1; turn < job->team; turn++) {
        sg_share *share = job->shares + (member + turn) % job->team;
        sg_job_share(job, share, share->kept, member);
    }
}

/* The work of a member who has not begun, by thread 0. */
static void sg_job_instead(const sg_job *job, int64_t member)
{
    sg_job_share(job, job->shares + member, 0, 0);
}

/* Run ``phase`` over 0 .. units; ``cost`` is in rough operations a unit. */
static void sg_parallel(sg_phase *phase, const sg_frame *frame, int64_t units,
                        int64_t cost)
{
    if (frame->error->code) /* a check has failed: nothing more is done */
        return;
    /* as it is; said once more for compilers that else warn of too many shares */
    const int64_t team = sg_min(sg_team(frame, units, cost), SG_MOST_MEMBERS);
    if (team <= 1) {
        if (units > 0)
            phase(frame, 0, units, frame->scratch);
        return;
    }
    const int64_t late = SG_LATE_COST / sg_max(cost, 1);
    sg_share shares[SG_MOST_MEMBERS];
    for (int64_t member = 0; member < team; member++) {
        shares[member].next = units * member / team;
        shares[member].end = units * (member + 1) / team;
        shares[member].kept = sg_min(late, (shares[member].end - shares[member].next) / 4);
    }
    const int64_t least = SG_PIECE_COST / sg_max(cost, 1) + 1;
    const sg_job job = {phase, frame, shares, team, least};
    sg_hand_out(frame->boxes, &job, team);
    sg_job_part(&job, 0);
    sg_collect(frame->boxes, &job, team);
}

/* Phases that do not depend on each other as one: ``frame->given`` are its parts. */
static void sg_joined(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)
{
    const sg_part *part = (const sg_part *)frame->given;
    sg_frame own = *frame;
    for (int64_t first = 0; first < end; first += part++->weight) {
        const int64_t from = sg_max(begin - first, 0);
        const int64_t to = sg_min(end - first, part->weight);
        own.given = part->given;
        if (from < to)
            part->phase(&own, from * part->units / part->weight,
                        to * part->units / part->weight, scratch);
    }
}

double sg_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A kernel is done: note its time where that is wanted. */
static void sg_done(sg_frame *frame, int64_t kernel)
{
    if (frame->seconds) {
        const double now = sg_clock();
        frame->seconds[kernel] += now - frame->then; /* more than once in a loop */
        frame->then = now;
    }
}

void sg_step(sg_frame *frame, sg_phase *phase, const int64_t *given, int64_t units,
             int64_t cost, int64_t kernel)
{
    frame->given = given;
    sg_parallel(phase, frame, units, cost);
    if (kernel != SG_GOES_ON)
        sg_done(frame, kernel);
}

void sg_join(sg_frame *frame, const sg_part *parts, int64_t count, int64_t total,
             int64_t kernel)
{
    if (!frame->seconds) {
        frame->given = (const int64_t *)parts;
        sg_parallel(sg_joined, frame, total, SG_WEIGHT);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        frame->given = (const int64_t *)(parts + i);
        sg_parallel(sg_joined, frame, parts[i].weight, SG_WEIGHT);
        sg_done(frame, kernel + i);
    }
}

/* Run ``count`` strands or lines that do not need each other: if ``apart``, a thread
   does what it takes of them whole, else they take turns with all threads. ``cost`` is
   in rough operations for each. */
static void sg_run_parts(sg_phase *parts, sg_frame *frame, int64_t count, bool apart,
                         int64_t cost)
{
    static const int64_t dealt_out[1];
    frame->given = apart ? dealt_out : NULL;
    if (apart) {
        sg_parallel(parts, frame, count, cost);
        return;
    }
    parts(frame, 0, count, NULL);
    frame->then = frame->seconds ? sg_clock() : 0;
}

void sg_strands(sg_phase *strands, sg_frame *frame, int64_t count, int64_t cost)
{
    sg_run_parts(strands, frame, count, count > 1 && !frame->seconds, cost);
}

void sg_branches(sg_phase *lines, sg_frame *frame, int64_t count, int64_t longest,
                 int64_t alone, int64_t shared, int64_t handovers)
{
    const int64_t in_turn = alone + shared / sg_max(frame->members, 1)
                            + handovers * SG_HANDOVER_COST;
    const bool apart = frame->members >= count && !frame->seconds && longest < in_turn;
    sg_run_parts(lines, frame, count, apart, sg_max(longest, SG_SERIAL_COST));
}

#endif
