// SPDX-License-Identifier: GPL-2.0-only
/* CREATE_TRACE_POINTS makes the bodies of the tracepoints in trace.h; only this file defines it. */
#define CREATE_TRACE_POINTS
#include "irq/trace.h"
