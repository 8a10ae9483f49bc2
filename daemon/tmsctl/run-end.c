/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a run: stopping, the report, leaving; see run.h. */
#include <inttypes.h>

#include "run.h"

/* For the daemon to report the end of the session, or its close. Later this program sends Close and leaves. */
#define LAST_MOMENT_USEC (10 * USEC_PER_S)

/* --- Leaving --------------------------------------------------------------------------------- */

static int finish(struct run *u, int status)
{
        progress_end(&u->progress);
        (void)sd_event_exit(u->event, status);
        return 0;
}

static int on_last_moment(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct run *u = userdata;

        if (u->leaving)
                return finish(u, u->status);
        progress_end(&u->progress);
        if (!*u->session)
                return finish(u, fail(STATUS_INCOMPLETE, FAILURE_INTERRUPTED,
                                      "interrupted before there was a session; see: tmsctl session"));
        return run_leave_now(u, fail(STATUS_INCOMPLETE, FAILURE_NO_ANSWER,
                                     "session %s was told to stop, and the daemon has not said since that it has; look "
                                     "at the stimulator, and use its emergency stop if it goes on",
                                     path_id(u->session)));
}

static void bound_the_wait(struct run *u)
{
        if (!u->last_moment)
                (void)sd_event_add_time_relative(u->event, &u->last_moment, CLOCK_MONOTONIC, LAST_MOMENT_USEC, 0,
                                                 on_last_moment, u);
        if (u->last_moment) {
                (void)sd_event_source_set_time_relative(u->last_moment, LAST_MOMENT_USEC);
                (void)sd_event_source_set_enabled(u->last_moment, SD_EVENT_ONESHOT);
        }
}

static int on_closed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;

        return finish(u, u->status);
}

int run_leave(struct run *u, int status)
{
        if (u->leaving)
                return 0;
        progress_end(&u->progress);
        u->leaving = true;
        u->status = status;
        if (!*u->session || u->lost || run_call(u, "Close", on_closed, NULL) < 0)
                return finish(u, status);
        bound_the_wait(u);
        /* Without the timer the wait could last for ever. */
        return u->last_moment ? 0 : finish(u, status);
}

int run_leave_error(struct run *u, const sd_bus_error *error, int r)
{
        if (u->leaving)
                return 0;
        progress_end(&u->progress);
        return run_leave(u, bus_fail(error, r));
}

int run_leave_now(struct run *u, int status)
{
        if (*u->session && !u->leaving && !u->lost)
                (void)run_call(u, "Close", NULL, NULL);
        u->leaving = true;
        return finish(u, status);
}

/* --- Stopping ---------------------------------------------------------------------------------- */

static int on_stopped(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        /* Nothing to print: the report at the end of the session says what was given. */
        if (!e || u->reporting || u->lost)
                return 0;
        if (!sd_bus_is_open(u->bus))
                return run_bus_lost(u);
        return run_leave_error(u, e, -sd_bus_message_get_errno(m));
}

void run_stop(struct run *u, const char *cause)
{
        int r;

        if (run_is_over(u))
                return;
        u->interrupted = true;
        u->stop_cause = cause;
        bound_the_wait(u);
        /* CreateSession has not answered yet. The session is closed when its path is known. */
        if (!*u->session)
                return;
        r = run_call(u, "Stop", on_stopped, NULL);
        (void)sd_bus_flush(u->bus);
        if (r < 0)
                (void)run_leave_error(u, NULL, r);
}

/* --- The report --------------------------------------------------------------------------------- */

static int report_json(struct run *u, bool complete)
{
        const json_t *p = u->properties, *v = u->verdict;

        return print_json(
                        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:s, s:O?, s:O?}",
                                  "session", path_id(u->session), "subject", json_get_str(p, "subject"), "rest_of",
                                  json_get_str(p, "rest_of"), "protocol", json_get_str(p, "protocol_id"), "sha256",
                                  json_get_str(p, "protocol_sha256"), "pulses", json_u64(json_get_u64(p, "pulses")),
                                  "delivered", json_u64(json_get_u64(p, "delivered")), "missed",
                                  json_u64(json_get_u64(p, "missed")), "unknown", json_u64(json_get_u64(p, "unknown")),
                                  "rest", json_u64(json_get_u64(p, "rest")), "max_permille",
                                  json_u64(json_get_u64(p, "intensity_max")), "complete", complete, "end_reason",
                                  json_get_str(p, "end_reason"), "end_text", json_get_str(p, "end_text"), "verdict",
                                  json_object_get(v, "class"), "reasons", json_object_get(v, "reasons")),
                        complete ? STATUS_OK : STATUS_INCOMPLETE);
}

/* Nothing was armed, so there is no dose to tell of. text: how the daemon says that it ended. */
static int report_unarmed(const struct run *u, const char *text)
{
        const char *id = path_id(u->session);

        if (u->interrupted && !u->stop_cause)
                return fail(STATUS_INCOMPLETE, FAILURE_INTERRUPTED,
                            "interrupted; nothing was armed, and session %s is closed", id);
        return fail(STATUS_INCOMPLETE, FAILURE_INCOMPLETE, "session %s ended, and nothing was armed: %s%s", id,
                    u->stop_cause ? "this tmsctl stopped it: " : "", u->stop_cause ? u->stop_cause : text);
}

static int report(struct run *u)
{
        const json_t *p = u->properties;
        uint64_t pulses = json_get_u64(p, "pulses"), delivered = json_get_u64(p, "delivered"),
                 missed = json_get_u64(p, "missed"), unknown = json_get_u64(p, "unknown");
        const char *reason = json_get_str(p, "end_reason"), *text = json_get_str(p, "end_text");
        bool complete = STREQ(reason, END_COMPLETE) && pulses > 0 && delivered == pulses;
        uint64_t rest = json_get_u64(p, "rest");
        char missed_text[48] = "", unknown_text[64] = "", rest_text[320] = "";

        if (u->started)
                progress_finish(&u->progress, p);
        progress_end(&u->progress);
        if (opt.json)
                return report_json(u, complete);
        if (!u->arming && !u->started)
                return report_unarmed(u, *text ? text : reason);
        if (complete) {
                printf("%scomplete%s: %" PRIu64 " of %" PRIu64 " pulses delivered, session %s\n", colour(COLOUR_GREEN),
                       colour(COLOUR_NONE), delivered, pulses, path_id(u->session));
                return STATUS_OK;
        }
        if (missed > 0)
                (void)snprintf(missed_text, sizeof(missed_text), ", %" PRIu64 " missed", missed);
        if (unknown > 0)
                (void)snprintf(unknown_text, sizeof(unknown_text), ", %" PRIu64 " unknown (count as given)", unknown);
        if (rest > 0)
                (void)snprintf(rest_text, sizeof(rest_text), " %" PRIu64 " are left: tmsctl run --rest %s", rest,
                               path_id(u->session));
        return fail(STATUS_INCOMPLETE, FAILURE_INCOMPLETE,
                    "session %s ended with %" PRIu64 " of %" PRIu64 " pulses delivered%s%s: %s%s%s%s",
                    path_id(u->session), delivered, pulses, missed_text, unknown_text, *text ? text : reason,
                    u->stop_cause ? " This tmsctl stopped it: " : "", u->stop_cause ? u->stop_cause : "", rest_text);
}

static int on_final(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;

        /* If this call failed, the report is made from the properties that were received before. */
        if (!sd_bus_message_get_error(m))
                (void)run_read_properties(u, m);
        return u->leaving ? 0 : run_leave(u, report(u));
}

int run_report(struct run *u)
{
        int r;

        if (u->reporting)
                return 0;
        u->reporting = true;
        bound_the_wait(u);
        r = run_ask_properties(u, on_final);
        return r < 0 ? run_leave(u, report(u)) : 0;
}

/* --- Nobody there ---------------------------------------------------------------------------------- */

/* daemon: the daemon is gone; else the bus is. */
static int gone(struct run *u, bool daemon)
{
        const char *name = daemon ? FAILURE_DAEMON_GONE : FAILURE_BUS_LOST;
        const char *what = daemon ? "the daemon has ended" : "the connection to the system bus is lost";

        u->lost = true;
        /* Everything has been reported; only the answer to Close was missing. */
        if (u->leaving)
                return finish(u, u->status);
        if (u->reporting)
                return run_leave(u, report(u));
        progress_end(&u->progress);
        if (!*u->session)
                return run_leave(u, fail(STATUS_FAILED, name,
                                         "%s before there was a session; nothing was armed; see: systemctl status dbus "
                                         "tmsd, then "
                                         "run it again",
                                         what));
        return run_leave(u, fail(u->started ? STATUS_INCOMPLETE : STATUS_FAILED, name,
                                 "%s in the middle of session %s%s", what, path_id(u->session),
                                 daemon ? ", and the driver stops the output when it does; see: journalctl -u tmsd"
                                        : ", and the daemon stops a session whose bus is lost and pauses one whose "
                                          "owner is; look at "
                                          "the stimulator, and use its emergency stop if it goes on"));
}

int run_daemon_gone(struct run *u)
{
        return gone(u, true);
}

int run_bus_lost(struct run *u)
{
        return u->lost ? 0 : gone(u, false);
}
