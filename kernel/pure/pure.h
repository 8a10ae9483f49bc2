/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pure/: the verifier, the place in a timeline, the two clocks, the ring of records: everything
 * that can be tested without a card, and is (tests/unit).
 *
 * Code here knows numbers only. timeline.c, history.c and bounds.c are compiled into the library,
 * too.
 * Context: any. Locks: the ring takes its own, ring->lock; the other files take none.
 */
#ifndef TMS_PURE_H
#define TMS_PURE_H

#include "clock.h"
#include "play.h"
#include "ring.h"
#include "timeline.h"

#endif
