/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names and sentences for the driver's codes: names are stable and for
 * programs (JSON, D-Bus), sentences are for the person at the chair and say
 * what to look at.
 */
#include "base.h"
#include "card.h"
#include "go-on.h"

#include <inttypes.h>

struct code {
        uint32_t code;
        const char *name;
        const char *sentence;
};

static const struct code *code_find(const struct code *table, size_t n, uint32_t code)
{
        for (size_t i = 0; i < n; i++)
                if (table[i].code == code)
                        return &table[i];
        return NULL;
}

static const char *code_name(const struct code *table, size_t n, uint32_t code)
{
        const struct code *c = code_find(table, n, code);

        return c ? c->name : "unknown";
}

static const struct code states[] = {
                {TMS_STATE_IDLE, "idle", NULL},       {TMS_STATE_LOADED, "loaded", NULL},
                {TMS_STATE_ARMING, "arming", NULL},   {TMS_STATE_ARMED, "armed", NULL},
                {TMS_STATE_RUNNING, "running", NULL}, {TMS_STATE_PAUSED, "paused", NULL},
                {TMS_STATE_FAULT, "fault", NULL},     {TMS_STATE_GONE, "gone", NULL},
                {TMS_STATE_BREAK, "break", NULL},
};

const char *tms_state_name(uint32_t state)
{
        return code_name(states, ELEMENTS(states), state);
}

static const struct code interlocks[] = {
                {0, "emergency_stop", "The emergency stop is pressed. Release it when the danger is over."},
                {1, "patient_stop",
                 "The patient has pressed the stop button. See to the patient; the button must be released before "
                 "anything goes on."},
                {2, "coil_absent", "No coil is connected. Plug the coil in until it locks."},
                {3, "coil_hot", "The coil is too hot. Let it cool down or change it."},
                {4, "contact_lost", "The coil has lost contact with the head. Put it back in place."},
                {5, "cover_open", "The cover of the stimulator is open. Close it."},
                {6, "hv_fault", "The high-voltage supply reports a fault. Have the stimulator serviced."},
                {7, "overcurrent", "The coil current was too high. Check the coil and its cable."},
                {8, "watchdog",
                 "The card's watchdog was not served in time. The computer may have been too busy: end other "
                 "programs."},
};

const char *tms_interlock_name(unsigned bit)
{
        return code_name(interlocks, ELEMENTS(interlocks), bit);
}

const char *tms_interlock_sentence(unsigned bit)
{
        const struct code *c = code_find(interlocks, ELEMENTS(interlocks), bit);

        return c ? c->sentence : "An interlock that this version does not know is open. Have the stimulator serviced.";
}

static const struct code causes[] = {
                {TMS_CAUSE_NONE, "none", "Nothing has happened yet."},
                {TMS_CAUSE_REQUEST, "request", "It was asked for."},
                {TMS_CAUSE_COMPLETE, "complete", "All pulses of the timeline have been played."},
                {TMS_CAUSE_CLOSED, "closed",
                 "The controlling program closed the device or ended. To go on, " GO_ON "."},
                {TMS_CAUSE_LEASE, "lease",
                 "The controlling program did not renew its permission in time. The computer may have been too busy: "
                 "end other programs. Then " GO_ON "."},
                {TMS_CAUSE_IDLE_LIMIT, "idle_limit",
                 "It was charged for a minute without a pulse, and is discharged. Arm, Resume or Go charges it again."},
                {TMS_CAUSE_LATE, "late",
                 "Three pulses would have been late: the computer is too busy for exact timing. End other programs; "
                 "tmsctl latency says what would help."},
                {TMS_CAUSE_GAP, "gap",
                 "The next pulse is more than a minute away, and until then it is discharged. Wait: it is charged "
                 "again "
                 "ten seconds before that pulse."},
                {TMS_CAUSE_BREAK_LIMIT, "break_limit",
                 "It was discharged for an hour without a pulse, and the run has ended. To go on, " GO_ON "."},
                {TMS_CAUSE_ARMED_LATE, "armed_late",
                 "It was charged again too late for the next pulse, and is paused before it. Resume goes on with that "
                 "pulse."},
                {TMS_CAUSE_CARD_UNEXPECTED, "card_unexpected",
                 "The card reports a pulse that nobody asked for. Take the coil off the head and have the stimulator "
                 "serviced."},
                {TMS_CAUSE_CARD_LOST_PULSE, "card_lost_pulse",
                 "The card took a trigger but no current flowed in the coil. Check the coil and its cable; if it "
                 "happens again, have the stimulator serviced."},
                {TMS_CAUSE_CARD_NO_ANSWER, "card_no_answer",
                 "The card did not answer a trigger before the next was due. Have the stimulator serviced if it "
                 "happens again."},
                {TMS_CAUSE_CARD_REJECTED, "card_rejected",
                 "The card refused a trigger. Have the stimulator serviced if it happens again."},
                {TMS_CAUSE_CARD_AMPLITUDE, "card_amplitude",
                 "The delivered amplitude is not the one that was set. Take the coil off the head and have the "
                 "stimulator serviced."},
                {TMS_CAUSE_CARD_SEQUENCE, "card_sequence",
                 "The card's answers came out of order. Have the stimulator serviced if it happens again."},
                {TMS_CAUSE_CARD_INTERVAL, "card_interval",
                 "The card's clock and the computer's clock disagree. Have the stimulator serviced if it happens "
                 "again."},
                {TMS_CAUSE_CARD_LATCH, "card_latch",
                 "The card has latched an internal error. Have the stimulator serviced."},
                {TMS_CAUSE_CARD_ABSENT, "card_absent",
                 "The card does not answer as a stimulator. Switch the computer off and see that the card sits in its "
                 "slot."},
                {TMS_CAUSE_CARD_RESET, "card_reset",
                 "The card went to its safe state by itself and gives no cause. Have the stimulator serviced if it "
                 "happens again."},
                {TMS_CAUSE_RECORD_FULL, "record_full",
                 "There was no room left to record pulses: the record is not being read. Start the daemon anew: "
                 "systemctl restart tmsd."},
                {TMS_CAUSE_CPU_OFFLINE, "cpu_offline",
                 "The processor that drives the pulses was taken offline. Another one takes over: " GO_ON "."},
                {TMS_CAUSE_SUSPEND, "suspend", "The computer goes to sleep. When it is awake, " GO_ON "."},
                {TMS_CAUSE_SHUTDOWN, "shutdown",
                 "The computer shuts down or the driver is being removed. When it is back, " GO_ON "."},
                {TMS_CAUSE_CHANGED, "changed",
                 "The coil or the limits changed, so the timeline was dropped. Check the coil and prepare the session "
                 "anew."},
                {TMS_CAUSE_UNFIT, "unfit",
                 "The computer's timers are not exact enough to fire pulses. End other programs; tmsctl latency says "
                 "what would help."},
                {TMS_CAUSE_ARM_TIMEOUT, "arm_timeout",
                 "The card did not charge in time. Try once more; if it happens again, have the stimulator serviced."},
};

const char *tms_cause_name(uint32_t cause)
{
        if (cause >= TMS_CAUSE_EMERGENCY_STOP && cause <= TMS_CAUSE_WATCHDOG)
                return tms_interlock_name(cause - TMS_CAUSE_EMERGENCY_STOP);
        return code_name(causes, ELEMENTS(causes), cause);
}

const char *tms_cause_sentence(uint32_t cause)
{
        const struct code *c;

        if (cause >= TMS_CAUSE_EMERGENCY_STOP && cause <= TMS_CAUSE_WATCHDOG)
                return tms_interlock_sentence(cause - TMS_CAUSE_EMERGENCY_STOP);

        c = code_find(causes, ELEMENTS(causes), cause);
        return c ? c->sentence
                 : "The driver gives a cause that this version does not know. Install the same version of the driver "
                   "and the daemon.";
}

static const struct code event_types[] = {
                {TMS_EVENT_STATE, "state", NULL},
                {TMS_EVENT_PULSE_DUE, "pulse_due", NULL},
                {TMS_EVENT_PULSE_ANSWER, "pulse_answer", NULL},
                {TMS_EVENT_INTERLOCK, "interlock", NULL},
                {TMS_EVENT_TRIGGER, "trigger", NULL},
                {TMS_EVENT_LOST, "lost", NULL},
};

const char *tms_event_type_name(uint32_t type)
{
        return code_name(event_types, ELEMENTS(event_types), type);
}

static const struct code outcomes[] = {
                {TMS_PULSE_OUTCOME_DELIVERED, "delivered", NULL},
                {TMS_PULSE_OUTCOME_NOT_ARMED, "not_armed", NULL},
                {TMS_PULSE_OUTCOME_CARD_NOT_READY, "card_not_ready", NULL},
                {TMS_PULSE_OUTCOME_INTERLOCK, "interlock", NULL},
                {TMS_PULSE_OUTCOME_WATCHDOG, "watchdog", NULL},
                {TMS_PULSE_OUTCOME_LOCKOUT, "lockout", NULL},
                {TMS_PULSE_OUTCOME_TOO_LATE, "too_late", NULL},
                {TMS_PULSE_OUTCOME_WRONG_SEQ, "wrong_sequence", NULL},
                {TMS_PULSE_OUTCOME_NO_DISCHARGE, "no_discharge", NULL},
                {TMS_PULSE_OUTCOME_UNEXPECTED, "unexpected", NULL},
                {TMS_PULSE_OUTCOME_CANCELLED, "cancelled", NULL},
                {TMS_PULSE_OUTCOME_TOO_EARLY, "too_early", NULL},
                {TMS_PULSE_OUTCOME_BUSY, "busy", NULL},
                {TMS_PULSE_OUTCOME_TRIGGERED, "triggered", NULL},
                {TMS_PULSE_OUTCOME_LATE, "late", NULL},
                {TMS_PULSE_OUTCOME_SKIPPED, "skipped", NULL},
                {TMS_PULSE_OUTCOME_NOT_READY, "not_ready", NULL},
                /* As a code that this version does not know: nobody can say whether it has fired. */
                {TMS_PULSE_OUTCOME_UNKNOWN, "unknown", NULL},
};

const char *tms_outcome_name(uint32_t outcome)
{
        return code_name(outcomes, ELEMENTS(outcomes), outcome);
}

static const struct code rules[] = {{TMS_RULE_NONE, "none", NULL},
                                    {TMS_RULE_EMPTY, "empty", NULL},
                                    {TMS_RULE_FLAGS, "flags", NULL},
                                    {TMS_RULE_ORDER, "order", NULL},
                                    {TMS_RULE_TRAIN, "train", NULL},
                                    {TMS_RULE_INTERVAL, "interval", NULL},
                                    {TMS_RULE_INTENSITY, "intensity", NULL},
                                    {TMS_RULE_INTENSITY_ZERO, "intensity_zero", NULL},
                                    {TMS_RULE_SETTLING, "settling", NULL},
                                    {TMS_RULE_PULSES_PER_S, "pulses_per_second", NULL},
                                    {TMS_RULE_RESERVOIR, "reservoir", NULL},
                                    {TMS_RULE_COIL_HEAT, "coil_heat", NULL},
                                    {TMS_RULE_PULSES, "pulses", NULL},
                                    {TMS_RULE_PULSES_PER_DAY, "pulses_per_day", NULL},
                                    {TMS_RULE_DURATION, "duration", NULL},
                                    {TMS_RULE_WAVEFORM, "waveform", NULL},
                                    {TMS_RULE_TRIGGER_IN, "trigger_in", NULL},
                                    {TMS_RULE_GAP, "gap", NULL},
                                    {TMS_RULE_LEG, "leg", NULL},
                                    {TMS_RULE_DELAY, "delay", NULL}};

const char *tms_rule_name(uint32_t rule)
{
        return code_name(rules, ELEMENTS(rules), rule);
}

const char *const coil_names[] = {
                [TMS_COIL_TYPE_NONE] = "none",
                [TMS_COIL_TYPE_FIGURE8] = "figure-8",
                [TMS_COIL_TYPE_CIRCULAR] = "circular",
                [TMS_COIL_TYPE_DOUBLE_CONE] = "double-cone",
                [TMS_COIL_TYPE_H1] = "H1",
                [TMS_COIL_TYPE_H4] = "H4",
                [TMS_COIL_TYPE_H7] = "H7",
                [TMS_COIL_TYPE_SHAM] = "sham",
                [COIL_ANY] = TMS_ANY_COIL,
                NULL,
};

const char *tms_coil_name(uint32_t coil_type)
{
        return coil_type <= TMS_COIL_TYPE_SHAM ? coil_names[coil_type] : "unknown";
}

const char *const waveform_names[] = {
                [TMS_LOAD_BIPHASIC] = "biphasic",
                [TMS_LOAD_MONOPHASIC] = "monophasic",
                [TMS_LOAD_HALFSINE] = "halfsine",
                NULL,
};

/* As a word within a sentence. */
static const char *waveform_word(uint64_t waveform)
{
        if (waveform == TMS_LOAD_HALFSINE)
                return "half-sine";
        return waveform < TMS_LOAD_HALFSINE ? waveform_names[waveform] : "unknown";
}

static void waveform_verdict_format(uint64_t card, uint64_t asked, char *buf, size_t size)
{
        const char *name = waveform_word(asked & TMS_LOAD_WAVEFORM);
        char has[64] = "";
        size_t n = 0;

        for (unsigned i = 0; waveform_names[i]; i++)
                if (card & 1U << i)
                        n += snprintf(has + n, sizeof(has) - n, "%s%s", n ? ", " : "", waveform_word(i));

        snprintf(buf, size,
                 "its pulses are %s%s; the stimulator's are %s%s; "
                 "choose a protocol with such pulses, or another stimulator",
                 name, asked & TMS_LOAD_REVERSE ? " with reversed current" : "", n ? has : "of no known waveform",
                 card & TMS_LOAD_REVERSE ? ", in either direction" : ", in one direction only");
}

/* Nanoseconds as milliseconds. Sentences print three decimals of them, which is down to a microsecond. */
static double ms(uint64_t ns)
{
        return ns / 1e6;
}

/* How sentences end for a timeline that cannot come from a protocol file. */
#define REPORT "the program that made the timeline is wrong: report this"

const char *tms_verdict_format(const struct tms_verdict *v, char *buf, size_t size)
{
        const uint64_t limit = v->limit, actual = v->actual;
        const uint32_t p = v->pulse;

        switch (v->rule) {
        case TMS_RULE_NONE:
                snprintf(buf, size, "the timeline holds every rule");
                break;
        case TMS_RULE_EMPTY:
                snprintf(buf, size, "the timeline has no pulses; give it one at least");
                break;
        case TMS_RULE_FLAGS:
                snprintf(buf, size, "pulse %u: its flags are unknown or contradict each other; " REPORT, p);
                break;
        case TMS_RULE_ORDER:
                snprintf(buf, size, "pulse %u: it is not later than the pulse before it; " REPORT, p);
                break;
        case TMS_RULE_TRAIN:
                snprintf(buf, size, "pulse %u: its train number does not follow from the ends of trains; " REPORT, p);
                break;
        case TMS_RULE_INTERVAL:
                /* Nothing in the timeline comes before its first pulse: the one before is of an earlier run. */
                if (p == 0) {
                        snprintf(buf, size,
                                 "the first pulse would come %.3f ms after the last one that the stimulator gave; at "
                                 "least %.3f ms are needed; start again in a moment",
                                 ms(actual), ms(limit));
                        break;
                }
                snprintf(buf, size,
                         "pulse %u: it comes %.3f ms after the pulse before it; at least %.3f ms are needed; "
                         "lengthen the interval",
                         p, ms(actual), ms(limit));
                break;
        case TMS_RULE_INTENSITY:
                snprintf(buf, size,
                         "pulse %u: its intensity is %" PRIu64 ".%" PRIu64 " %%MSO; at most %" PRIu64 ".%" PRIu64
                         " %%MSO are allowed; lower the percentage",
                         p, actual / 10, actual % 10, limit / 10, limit % 10);
                break;
        case TMS_RULE_INTENSITY_ZERO:
                snprintf(buf, size, "pulse %u: its intensity is zero; see that threshold and percentage are right", p);
                break;
        case TMS_RULE_SETTLING:
                snprintf(buf, size,
                         "pulse %u: it is due at %.3f ms, but its capacitor is charged at %.3f ms at the "
                         "earliest; lower the intensity or lengthen the interval",
                         p, ms(actual), ms(limit));
                break;
        case TMS_RULE_PULSES_PER_S:
                snprintf(buf, size,
                         "pulse %u: it would be number %" PRIu64 " within a second; at most %" PRIu64 " are allowed; "
                         "lower the frequency",
                         p, actual, limit);
                break;
        case TMS_RULE_RESERVOIR:
                snprintf(buf, size,
                         "pulse %u: it wants %.3f J, but the reservoir holds only %.3f J by then; lower the "
                         "intensity or lengthen the pauses",
                         p, actual / 1e3, limit / 1e3);
                break;
        case TMS_RULE_COIL_HEAT:
                snprintf(buf, size,
                         "pulse %u: the coil would hold %.3f J of heat; it takes %.3f J; lower the "
                         "intensity or lengthen the pauses",
                         p, actual / 1e3, limit / 1e3);
                break;
        case TMS_RULE_PULSES:
                snprintf(buf, size,
                         "pulse %u: the timeline has %" PRIu64 " pulses; the session's limits leave %" PRIu64 "; "
                         "prepare the session again, or give a shorter protocol",
                         p, actual, limit);
                break;
        case TMS_RULE_PULSES_PER_DAY:
                snprintf(buf, size,
                         "pulse %u: it would be number %" PRIu64 " within 24 hours; at most %" PRIu64 " are allowed; "
                         "wait until earlier ones are 24 hours ago",
                         p, actual, limit);
                break;
        case TMS_RULE_DURATION:
                snprintf(buf, size,
                         "pulse %u: it is due at %.3f s; the longest allowed timeline is %.3f s; "
                         "give a shorter protocol",
                         p, actual / 1e9, limit / 1e9);
                break;
        case TMS_RULE_TRIGGER_IN:
                snprintf(buf, size,
                         "pulse %u: it waits for an external trigger; the stimulator has no trigger input; "
                         "choose a protocol without one, or another stimulator",
                         p);
                break;
        case TMS_RULE_GAP:
                snprintf(buf, size,
                         "pulse %u: it comes %.3f s after the pulse before it, or after the start; a gap may last %.0f "
                         "s; shorten the gap",
                         p, actual / 1e9, limit / 1e9);
                break;
        case TMS_RULE_LEG:
                snprintf(buf, size,
                         "pulse %u: it is in leg %" PRIu64 ", but the driver plays timelines of %" PRIu64
                         " only; give each leg as a session of its own, or install a newer driver",
                         p, actual + 1, limit);
                break;
        case TMS_RULE_DELAY:
                snprintf(buf, size,
                         "pulse %u: it comes %.3f ms behind its trigger; at most %.3f ms can be asked for; change the "
                         "delay, or install a newer driver",
                         p, ms(actual), ms(limit));
                break;
        case TMS_RULE_WAVEFORM:
                waveform_verdict_format(limit, actual, buf, size);
                break;
        default:
                snprintf(buf, size,
                         "pulse %u: it breaks rule %u, which this version does not know; "
                         "install the same version of the driver and the daemon",
                         p, v->rule);
                break;
        }
        return buf;
}
