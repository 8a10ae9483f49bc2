/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The card's clock against the host's: intervals of one clock bounded by the other.
 *
 * Neither clock is set by the other. All that is assumed is that their rates differ by less than
 * 1000 ppm. So one instant at which both clocks were read, an anchor, bounds the reading of the
 * card's clock at any other instant. Pure arithmetic, any context.
 *
 * The host's clock here is CLOCK_MONOTONIC_RAW. NTP may slew CLOCK_MONOTONIC by 100,000 ppm for a
 * while; that is no fault of the card, and must not look like one.
 */
#ifndef TMS_CLOCK_H
#define TMS_CLOCK_H

#include <linux/types.h>

#define TMS_CLOCK_DRIFT(ns)	((ns) / 1000)	/* 1000 ppm */
#define TMS_CLOCK_SLACK_NS	10000		/* trigger's way to the coil, clocks' resolution */

/**
 * struct tms_anchor - one instant on both clocks
 * @before_ns: CLOCK_MONOTONIC_RAW before the card's clock was read
 * @after_ns: CLOCK_MONOTONIC_RAW after it was read
 * @card_ns: what the card's clock read
 */
struct tms_anchor {
	u64 before_ns;
	u64 after_ns;
	u64 card_ns;
};

/**
 * struct tms_moment - one instant on both of the host's clocks
 * @raw_ns: CLOCK_MONOTONIC_RAW, read first
 * @mono_ns: CLOCK_MONOTONIC, read after that
 * @raw_after_ns: CLOCK_MONOTONIC_RAW, read last
 *
 * Firmware or a hypervisor may hold up the CPU between the two readings: @raw_ns is then older
 * than @mono_ns, never newer. So a CLOCK_MONOTONIC_RAW time that is computed from both may be too
 * early, and never too late. The same holds the other way round for @raw_after_ns.
 */
struct tms_moment {
	u64 raw_ns;
	u64 mono_ns;
	u64 raw_after_ns;
};

u64 tms_moment_raw(const struct tms_moment *m, u64 mono_ns);
u64 tms_moment_not_before(const struct tms_moment *m, u64 mono_ns);
bool tms_clock_agrees(const struct tms_anchor *then, const struct tms_anchor *now);
bool tms_clock_within(const struct tms_anchor *a, u64 from_ns, u64 to_ns, u64 card_ns);
u64 tms_clock_not_after(const struct tms_anchor *a, u64 raw_ns);
u64 tms_clock_about(const struct tms_anchor *a, u64 raw_ns);
u64 tms_clock_widen(const struct tms_anchor *a, u64 raw_ns, u64 low, u32 bits);
u64 tms_clock_to_raw(const struct tms_anchor *a, u64 card_ns);

#endif
