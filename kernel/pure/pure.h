/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pure/: the verifier, the place in a timeline, the two clocks, the ring of records: what
 * can be tried without a card, and is (tests/unit).
 *
 * Knows nothing but numbers; timeline.c is the library's as well.
 * Context: any. Locks: the ring its own, ring->lock; the others none.
 */
#ifndef TMS_PURE_H
#define TMS_PURE_H

#include "clock.h"
#include "play.h"
#include "ring.h"
#include "timeline.h"

#endif
