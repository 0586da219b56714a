/* What every module has the same of, compiled once and linked with each.

   It takes longer to compile than a small program does. */
#ifndef SYMGRAPH_RUNTIME_H
#define SYMGRAPH_RUNTIME_H

#include "calls.h"
#include "direct.h"
#include "parallel.h"

#endif
