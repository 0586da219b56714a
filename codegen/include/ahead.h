/* Memory that is asked for before its turn, a little at a time, beside sums that need
   none: a core waits for some two dozen lines at once, and stands still for one more. */
#ifndef SYMGRAPH_AHEAD_H
#define SYMGRAPH_AHEAD_H

#include "symgraph.h"

/* ``lines`` lines from ``at`` on, in each of some planes ``step`` bytes apart. */
typedef struct sg_stretch {
    const char *at;
    int64_t lines, planes, step;
} sg_stretch;

/* Stretches to come. Of each plane of the first, ``done`` lines were asked for, and so
   many ``each`` time. */
typedef struct sg_ahead {
    sg_stretch *first, *end;
    int64_t done, each;
} sg_ahead;

/* What tiles touch of an image of so many planes, whose rows are ``row`` bytes. Tiles are
   counted along rows of them, of which a sample has ``down``. The next one is rise / run
   rows of the image below, and sees so many ``more``. */
typedef struct sg_rows {
    int64_t across, down, rise, run, more;
    int64_t planes, height, row, sample;
} sg_rows;

/* Add what the tiles from ``begin`` to ``end`` touch and those before them do not. */
SG_SHARED void sg_look_ahead(sg_ahead *ahead, const void *image, sg_rows r,
                             int64_t begin, int64_t end)
{
    const int64_t last = (end + r.across - 1) / r.across;
    int64_t next = (begin + r.across - 1) / r.across;
    while (next < last) {
        const int64_t sample = next / r.down, line = next % r.down;
        const int64_t stop = sg_min(last - sample * r.down, r.down);
        const int64_t under = line * r.rise / r.run + r.more;
        const int64_t top = line ? sg_min(sg_max(under, 0), r.height) : 0;
        const int64_t bottom = stop < r.down ? stop * r.rise / r.run + r.more : r.height;
        const int64_t rows = sg_max(sg_min(bottom, r.height) - top, 0);
        const char *at = (const char *)image + sample * r.sample + top * r.row;
        const int64_t lines = (rows * r.row + SG_LINE_BYTES - 1) / SG_LINE_BYTES;
        if (lines > 0)
            *ahead->end++ = (sg_stretch){at, lines, r.planes, r.height * r.row};
        next = sample * r.down + stop;
    }
}

/* Ask for all of it in so many ``turns``. */
SG_SHARED void sg_spread_out(sg_ahead *ahead, int64_t turns)
{
    int64_t lines = 0;
    for (const sg_stretch *one = ahead->first; one < ahead->end; one++)
        lines += one->lines * one->planes;
    ahead->each = (lines + turns - 1) / turns;
}

/* Ask for what comes next, for the second-level cache. */
SG_SHARED void sg_ask_for_some(sg_ahead *ahead)
{
    sg_stretch *one = ahead->first;
    for (int64_t k = 0; k < ahead->each && one < ahead->end; k++) {
        __builtin_prefetch(one->at + ahead->done * SG_LINE_BYTES, 0, 2);
        if (++ahead->done < one->lines)
            continue;
        ahead->done = 0, one->at += one->step;
        if (--one->planes == 0)
            one++;
    }
    ahead->first = one;
}

#endif
