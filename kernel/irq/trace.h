/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: trace-cmd record -e tms, perf trace -e 'tms:*'.
 *
 *   tms_state     a state was entered, and why
 *   tms_pulse     a trigger was written, or a pulse left out
 *   tms_answer    what became of a trigger
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

/* The names of codes, as libtms has them; a code without a name is printed as a number. */
#define tms_trace_state(value) __print_symbolic(value, \
	{ TMS_STATE_IDLE, "idle" }, \
	{ TMS_STATE_LOADED, "loaded" }, \
	{ TMS_STATE_ARMING, "arming" }, \
	{ TMS_STATE_ARMED, "armed" }, \
	{ TMS_STATE_RUNNING, "running" }, \
	{ TMS_STATE_PAUSED, "paused" }, \
	{ TMS_STATE_FAULT, "fault" }, \
	{ TMS_STATE_GONE, "gone" }, \
	{ TMS_STATE_BREAK, "break" })

#define tms_trace_cause(value) __print_symbolic(value, \
	{ TMS_CAUSE_NONE, "none" }, \
	{ TMS_CAUSE_REQUEST, "request" }, \
	{ TMS_CAUSE_COMPLETE, "complete" }, \
	{ TMS_CAUSE_CLOSED, "closed" }, \
	{ TMS_CAUSE_LEASE, "lease" }, \
	{ TMS_CAUSE_IDLE_LIMIT, "idle_limit" }, \
	{ TMS_CAUSE_LATE, "late" }, \
	{ TMS_CAUSE_GAP, "gap" }, \
	{ TMS_CAUSE_BREAK_LIMIT, "break_limit" }, \
	{ TMS_CAUSE_ARMED_LATE, "armed_late" }, \
	{ TMS_CAUSE_EMERGENCY_STOP, "emergency_stop" }, \
	{ TMS_CAUSE_PATIENT_STOP, "patient_stop" }, \
	{ TMS_CAUSE_COIL_ABSENT, "coil_absent" }, \
	{ TMS_CAUSE_COIL_HOT, "coil_hot" }, \
	{ TMS_CAUSE_CONTACT_LOST, "contact_lost" }, \
	{ TMS_CAUSE_COVER_OPEN, "cover_open" }, \
	{ TMS_CAUSE_HV_FAULT, "hv_fault" }, \
	{ TMS_CAUSE_OVERCURRENT, "overcurrent" }, \
	{ TMS_CAUSE_WATCHDOG, "watchdog" }, \
	{ TMS_CAUSE_CARD_UNEXPECTED, "card_unexpected" }, \
	{ TMS_CAUSE_CARD_LOST_PULSE, "card_lost_pulse" }, \
	{ TMS_CAUSE_CARD_NO_ANSWER, "card_no_answer" }, \
	{ TMS_CAUSE_CARD_REJECTED, "card_rejected" }, \
	{ TMS_CAUSE_CARD_AMPLITUDE, "card_amplitude" }, \
	{ TMS_CAUSE_CARD_SEQUENCE, "card_sequence" }, \
	{ TMS_CAUSE_CARD_INTERVAL, "card_interval" }, \
	{ TMS_CAUSE_CARD_LATCH, "card_latch" }, \
	{ TMS_CAUSE_CARD_ABSENT, "card_absent" }, \
	{ TMS_CAUSE_CARD_RESET, "card_reset" }, \
	{ TMS_CAUSE_RECORD_FULL, "record_full" }, \
	{ TMS_CAUSE_CPU_OFFLINE, "cpu_offline" }, \
	{ TMS_CAUSE_SUSPEND, "suspend" }, \
	{ TMS_CAUSE_SHUTDOWN, "shutdown" }, \
	{ TMS_CAUSE_CHANGED, "changed" }, \
	{ TMS_CAUSE_UNFIT, "unfit" }, \
	{ TMS_CAUSE_ARM_TIMEOUT, "arm_timeout" })

#define tms_trace_outcome(value) __print_symbolic(value, \
	{ TMS_PULSE_OUTCOME_DELIVERED, "delivered" }, \
	{ TMS_PULSE_OUTCOME_NOT_ARMED, "not_armed" }, \
	{ TMS_PULSE_OUTCOME_CARD_NOT_READY, "card_not_ready" }, \
	{ TMS_PULSE_OUTCOME_INTERLOCK, "interlock" }, \
	{ TMS_PULSE_OUTCOME_WATCHDOG, "watchdog" }, \
	{ TMS_PULSE_OUTCOME_LOCKOUT, "lockout" }, \
	{ TMS_PULSE_OUTCOME_TOO_LATE, "too_late" }, \
	{ TMS_PULSE_OUTCOME_WRONG_SEQ, "wrong_sequence" }, \
	{ TMS_PULSE_OUTCOME_NO_DISCHARGE, "no_discharge" }, \
	{ TMS_PULSE_OUTCOME_UNEXPECTED, "unexpected" }, \
	{ TMS_PULSE_OUTCOME_CANCELLED, "cancelled" }, \
	{ TMS_PULSE_OUTCOME_TOO_EARLY, "too_early" }, \
	{ TMS_PULSE_OUTCOME_BUSY, "busy" }, \
	{ TMS_PULSE_OUTCOME_TRIGGERED, "triggered" }, \
	{ TMS_PULSE_OUTCOME_LATE, "late" }, \
	{ TMS_PULSE_OUTCOME_SKIPPED, "skipped" }, \
	{ TMS_PULSE_OUTCOME_NOT_READY, "not_ready" }, \
	{ TMS_PULSE_OUTCOME_UNKNOWN, "unknown" })

#define tms_trace_interlocks(bits) __print_flags(bits, "|", \
	{ TMS_INTERLOCK_EMERGENCY_STOP, "emergency_stop" }, \
	{ TMS_INTERLOCK_PATIENT_STOP, "patient_stop" }, \
	{ TMS_INTERLOCK_COIL_ABSENT, "coil_absent" }, \
	{ TMS_INTERLOCK_COIL_HOT, "coil_hot" }, \
	{ TMS_INTERLOCK_CONTACT_LOST, "contact_lost" }, \
	{ TMS_INTERLOCK_COVER_OPEN, "cover_open" }, \
	{ TMS_INTERLOCK_HV_FAULT, "hv_fault" }, \
	{ TMS_INTERLOCK_OVERCURRENT, "overcurrent" }, \
	{ TMS_INTERLOCK_WATCHDOG, "watchdog" })

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
	    TP_printk("card=%d from=%s to=%s cause=%s",
		      __entry->card, tms_trace_state(__entry->from),
		      tms_trace_state(__entry->to), tms_trace_cause(__entry->cause))
);

DECLARE_EVENT_CLASS(tms_record,
		    TP_PROTO(int card, const struct tms_event *event),
		    TP_ARGS(card, event),
		    TP_STRUCT__entry(__field(int, card)
				     __field(u32, run)
				     __field(u32, pulse)
				     __field(u32, card_seq)
				     __field(u64, due_ns)
				     __field(u64, triggered_ns)
				     __field(u64, due_card_ns)
				     __field(u64, card_ns)
				     __field(u16, set_permille)
				     __field(u16, delivered_permille)
				     __field(u16, outcome)
				     __field(u16, condition)),
		    TP_fast_assign(__entry->card = card;
				   __entry->run = event->run;
				   __entry->pulse = event->pulse.index;
				   __entry->card_seq = event->pulse.card_seq;
				   __entry->due_ns = event->pulse.due_ns;
				   __entry->triggered_ns = event->pulse.triggered_ns;
				   __entry->due_card_ns = event->pulse.due_card_ns;
				   __entry->card_ns = event->pulse.card_ns;
				   __entry->set_permille = event->pulse.set_permille;
				   __entry->delivered_permille = event->pulse.delivered_permille;
				   __entry->outcome = event->pulse.outcome;
				   __entry->condition = event->pulse.condition;
		    ),
		    TP_printk("card=%d run=%u pulse=%u card_seq=%u due_ns=%llu triggered_ns=%llu due_card_ns=%llu card_ns=%llu set_permille=%u delivered_permille=%u outcome=%s condition=%u",
			      __entry->card, __entry->run, __entry->pulse, __entry->card_seq,
			      __entry->due_ns, __entry->triggered_ns, __entry->due_card_ns,
			      __entry->card_ns, __entry->set_permille, __entry->delivered_permille,
			      tms_trace_outcome(__entry->outcome), __entry->condition)
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
	    TP_printk("card=%d live=%s latched=%s",
		      __entry->card, tms_trace_interlocks(__entry->live),
		      tms_trace_interlocks(__entry->latched))
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH irq
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
