/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: trace-cmd record -e tms, perf trace -e 'tms:*'.
 *
 *   tms_state     a state was entered, and why
 *   tms_pulse     a trigger was written, or a pulse left out: code is a TMS_PULSE_OUTCOME_*
 *   tms_answer    the card's answer to a trigger
 *   tms_step      one step of the engine: interrupts were off from entered_ns to
 *                 left_ns; for spun_ns of that time it spun until the pulse was due
 *   tms_fault     the fault interrupt: entered at entered_ns, SAFE written by safe_ns
 *   tms_interlock interlocks as they were found
 *
 * card is the number in /dev/tmsN. Times are CLOCK_MONOTONIC.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tms

#if !defined(TMS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TMS_TRACE_H

#include <linux/tracepoint.h>
#include <linux/tms.h>

TRACE_EVENT(tms_state,
	    TP_PROTO(int card, u32 from, u32 to, u32 cause),
	    TP_ARGS(card, from, to, cause),
	    TP_STRUCT__entry(__field(int, card)
			     __field(u32, from)
			     __field(u32, to)
			     __field(u32, cause)),
	    TP_fast_assign(__entry->card = card;
			   __entry->from = from;
			   __entry->to = to;
			   __entry->cause = cause;
	    ),
	    TP_printk("card=%d from=%u to=%u cause=%u",
		      __entry->card, __entry->from, __entry->to, __entry->cause)
);

DECLARE_EVENT_CLASS(tms_record,
		    TP_PROTO(int card, const struct tms_event *event),
		    TP_ARGS(card, event),
		    TP_STRUCT__entry(__field(int, card)
				     __field(u32, run)
				     __field(u32, pulse)
				     __field(u32, card_seq)
				     __field(u64, scheduled_ns)
				     __field(u64, triggered_ns)
				     __field(u64, card_ns)
				     __field(u16, set_permille)
				     __field(u16, delivered_permille)
				     __field(u32, code)),
		    TP_fast_assign(__entry->card = card;
				   __entry->run = event->run;
				   __entry->pulse = event->pulse;
				   __entry->card_seq = event->card_seq;
				   __entry->scheduled_ns = event->scheduled_ns;
				   __entry->triggered_ns = event->triggered_ns;
				   __entry->card_ns = event->card_ns;
				   __entry->set_permille = event->set_permille;
				   __entry->delivered_permille = event->delivered_permille;
				   __entry->code = event->code;
		    ),
		    TP_printk("card=%d run=%u pulse=%u card_seq=%u scheduled_ns=%llu triggered_ns=%llu card_ns=%llu set_permille=%u delivered_permille=%u code=%u",
			      __entry->card, __entry->run, __entry->pulse, __entry->card_seq,
			      __entry->scheduled_ns, __entry->triggered_ns, __entry->card_ns,
			      __entry->set_permille, __entry->delivered_permille, __entry->code)
);

DEFINE_EVENT(tms_record, tms_pulse,
	     TP_PROTO(int card, const struct tms_event *event),
	     TP_ARGS(card, event)
);

DEFINE_EVENT(tms_record, tms_answer,
	     TP_PROTO(int card, const struct tms_event *event),
	     TP_ARGS(card, event)
);

TRACE_EVENT(tms_step,
	    TP_PROTO(int card, u64 entered_ns, u64 left_ns, u64 spun_ns),
	    TP_ARGS(card, entered_ns, left_ns, spun_ns),
	    TP_STRUCT__entry(__field(int, card)
			     __field(u64, entered_ns)
			     __field(u64, left_ns)
			     __field(u64, spun_ns)),
	    TP_fast_assign(__entry->card = card;
			   __entry->entered_ns = entered_ns;
			   __entry->left_ns = left_ns;
			   __entry->spun_ns = spun_ns;
	    ),
	    TP_printk("card=%d entered_ns=%llu left_ns=%llu spun_ns=%llu",
		      __entry->card, __entry->entered_ns, __entry->left_ns, __entry->spun_ns)
);

TRACE_EVENT(tms_fault,
	    TP_PROTO(int card, u64 entered_ns, u64 safe_ns),
	    TP_ARGS(card, entered_ns, safe_ns),
	    TP_STRUCT__entry(__field(int, card)
			     __field(u64, entered_ns)
			     __field(u64, safe_ns)),
	    TP_fast_assign(__entry->card = card;
			   __entry->entered_ns = entered_ns;
			   __entry->safe_ns = safe_ns;
	    ),
	    TP_printk("card=%d entered_ns=%llu safe_ns=%llu",
		      __entry->card, __entry->entered_ns, __entry->safe_ns)
);

TRACE_EVENT(tms_interlock,
	    TP_PROTO(int card, u32 live, u32 latched),
	    TP_ARGS(card, live, latched),
	    TP_STRUCT__entry(__field(int, card)
			     __field(u32, live)
			     __field(u32, latched)),
	    TP_fast_assign(__entry->card = card;
			   __entry->live = live;
			   __entry->latched = latched;
	    ),
	    TP_printk("card=%d live=0x%x latched=0x%x",
		      __entry->card, __entry->live, __entry->latched)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH irq
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
