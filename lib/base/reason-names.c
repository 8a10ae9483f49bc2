/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why the driver refuses a call: names for programs, sentences for the person at the chair. See names.c. */
#include "base.h"

struct reason {
        uint32_t reason;
        const char *name;
        const char *sentence;
};

static const struct reason reasons[] = {
                {TMS_REASON_NONE, "none", "The driver gives no other reason than the error itself."},
                /* EAGAIN */
                {TMS_REASON_HISTORY, "history",
                 "The card has fired before this driver was loaded, nobody knows how often, and has to rest first."},
                {TMS_REASON_ANSWER, "answer", "The card has not answered the last trigger yet."},
                {TMS_REASON_RECORDS, "records", "Records of an earlier session are not on disk yet."},
                {TMS_REASON_ROOM, "room",
                 "The driver has no room for more records before those that it has are on disk."},
                {TMS_REASON_DISCHARGES, "discharges",
                 "The stimulator discharges at this moment, though nobody asks it to."},
                {TMS_REASON_TOO_EARLY, "too_early",
                 "The next pulse is so far away that the stimulator would be discharged once more before it."},
                /* ESTALE */
                {TMS_REASON_ACK_AHEAD, "ack_ahead",
                 "The program acknowledges records that it has not read: it is wrong, report this."},
                {TMS_REASON_ACK_LATE, "ack_late", "A record has waited for more than 2 s to be on disk."},
                {TMS_REASON_TIMELINE, "timeline",
                 "The driver has another timeline than the one that was prepared. Prepare the session again."},
                {TMS_REASON_CHANGED, "changed",
                 "The coil, the limits or the driver's parameters have changed. Prepare the session again."},
                {TMS_REASON_PULSE, "pulse", "That pulse does not wait any more."},
                /* EPROTO, EBUSY, ESHUTDOWN */
                {TMS_REASON_STATE, "state", "The state of the stimulator does not allow it."},
                {TMS_REASON_LEASE, "lease",
                 "The computer was too busy to show the driver in time that the daemon is alive. End other programs, "
                 "then try again."},
                {TMS_REASON_LIMITS, "limits",
                 "The driver was given no limits for this session: the program is wrong, report this."},
                {TMS_REASON_STOPPING, "stopping",
                 "Somebody stops the stimulator at this moment. Ask again when all may go on."},
                {TMS_REASON_OVER, "over", "No pulse is left. Begin a new session for more."},
                {TMS_REASON_AWAY, "away", "The card is being reset, or sleeps; ask again in a moment."},
                {TMS_REASON_DISCHARGED, "discharged",
                 "The stimulator would be discharged before the pulse could fire. Ask once more, and it is charged "
                 "first."},
                /* EPERM */
                {TMS_REASON_INTERLOCK, "interlock",
                 "An interlock is open, or was since the last fault was cleared. Clear it first: tmsctl clear-fault."},
                {TMS_REASON_FAULT, "fault",
                 "The stimulator is in fault. Mend its cause, then clear the fault: tmsctl clear-fault."},
                {TMS_REASON_NO_COIL, "no_coil", "No coil is connected. Plug the coil in until it locks."},
                {TMS_REASON_CARD, "card",
                 "The card does not do what it is told. Switch the stimulator off and on; if that does not help, have "
                 "it serviced."},
                /* ETIME, EPROTO */
                {TMS_REASON_UNFIT, "unfit",
                 "The computer's timers are not exact enough. End other programs, then try again."},
                {TMS_REASON_CHARGE, "charge",
                 "The stimulator did not get charged in time. Try again; if that does not help, have it serviced."},
                {TMS_REASON_CPU, "cpu",
                 "The processor that the driver has its timer on is offline. Put it online again, or load the driver "
                 "anew."},
                /* EINVAL, EOPNOTSUPP, ERANGE */
                {TMS_REASON_FLAG, "flag",
                 "The driver does not know a flag of the call. Install the same version of the driver and the daemon."},
                {TMS_REASON_RESERVED, "reserved",
                 "The driver does not know a word of the call. Install the same version of the driver and the daemon."},
                {TMS_REASON_VALUE, "value",
                 "A value of the call is out of its range: the program is wrong, report this."},
                {TMS_REASON_FEATURE, "feature",
                 "This driver, or this card, does not have a feature that the call needs. Install the same version of "
                 "the driver and the daemon."},
                {TMS_REASON_VERDICT, "verdict", "The timeline breaks a limit."},
};

static const struct reason *find(uint32_t reason)
{
        for (size_t i = 0; i < ELEMENTS(reasons); i++)
                if (reasons[i].reason == reason)
                        return &reasons[i];
        return NULL;
}

const char *tms_reason_name(uint32_t reason)
{
        const struct reason *r = find(reason);

        return r ? r->name : "unknown";
}

const char *tms_reason_sentence(uint32_t reason)
{
        const struct reason *r = find(reason);

        return r ? r->sentence
                 : "The driver gives a reason that this version does not know. Install the same version of the driver "
                   "and the daemon.";
}
