/* All scalar functions of the kernel IR. */
#ifndef SYMGRAPH_SCALARS_H
#define SYMGRAPH_SCALARS_H

#include "floats.h"
#include "integers.h"

#endif
