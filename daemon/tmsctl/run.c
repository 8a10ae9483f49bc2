/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run: a chain of asynchronous calls (CreateSession, Prepare, ConfirmNotices
 * if there are notices and the operator says yes, Arm, Start), then signals
 * until the session has ended. The session can be stopped at any time, even
 * while an answer is outstanding: this program never waits before it sends
 * Stop. See run.h.
 */
#include <inttypes.h>

#include "lines.h"
#include "run.h"

#define REDRAW_USEC USEC_PER_S

void run_clear(struct run *u)
{
        json_decref(u->properties);
        json_decref(u->verdict);
        free(u->text);
        tms_protocol_free(u->p);
        sd_event_source_disable_unref(u->typed);
        sd_event_source_disable_unref(u->last_moment);
        sd_event_source_disable_unref(u->suspend_by);
        if (u->bus)
                sd_bus_flush_close_unref(u->bus);
        sd_event_unref(u->event);
}

/* --- What comes by itself ---------------------------------------------------------------------- */

static void show(struct run *u, uint64_t since_ns)
{
        if (!u->verdict || !*run_state(u) || u->asking || u->suspending || run_is_over(u))
                return;
        progress_show(&u->progress, u->properties, since_ns);
        signals_look_output(u);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        const char *interface;
        int r;

        if (!STREQ(sd_bus_message_get_path(m), u->session) || u->reporting || u->leaving)
                return 0;
        r = sd_bus_message_read(m, "s", &interface);
        if (r < 0 || !STREQ(interface, SESSION_INTERFACE))
                return 0;
        (void)run_read_properties(u, m);
        run_see(u);
        if (STREQ(run_state(u), STATE_ENDED))
                return run_report(u);
        show(u, 0);
        return 0;
}

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        const char *reason;
        uint32_t delivered, missed;

        if (!STREQ(sd_bus_message_get_path(m), u->session))
                return 0;
        if (sd_bus_message_read(m, "suu", &reason, &delivered, &missed) >= 0) {
                (void)json_object_set_new(u->properties, "end_reason", json_string(reason));
                (void)json_object_set_new(u->properties, "delivered", json_integer(delivered));
                (void)json_object_set_new(u->properties, "missed", json_integer(missed));
        }
        return run_report(u);
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0 || !*before)
                return 0;
        return run_daemon_gone(userdata);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        return run_bus_lost(userdata);
}

static int on_redraw(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct run *u = userdata;

        /* A shell that puts this program into the foreground does not tell it, so it is looked at here. */
        if (!u->asking)
                keys_again(u);
        show(u, now_ns(CLOCK_MONOTONIC) - u->heard_ns);
        (void)sd_event_source_set_time_relative(source, REDRAW_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* --- The chain ------------------------------------------------------------------------------------- */

/* While the session is being stopped, calls fail. Then nothing is printed: the end of the session says why. */
static int step_failed(struct run *u, sd_bus_message *m)
{
        if (run_is_over(u))
                return 0;
        if (!sd_bus_is_open(u->bus))
                return run_bus_lost(u);
        return run_leave_error(u, sd_bus_message_get_error(m), -sd_bus_message_get_errno(m));
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_get_error(m) ? step_failed(userdata, m) : 0;
}

static int on_armed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        int r;

        if (sd_bus_message_get_error(m))
                return step_failed(u, m);
        if (run_is_over(u))
                return 0;
        u->started = true;
        r = run_call(u, "Start", on_started, NULL);
        return r < 0 ? run_leave_error(u, NULL, r) : 0;
}

static void arm(struct run *u)
{
        int r;

        /* If the output was lost, nobody has seen what was prepared: then it stops here. */
        signals_look_output(u);
        if (run_is_over(u))
                return;
        if (keys_heard(u))
                run_say(u, "^C, or s and Enter, stops at once; p and Enter pauses at once");
        u->arming = true;
        r = run_call(u, "Arm", on_armed, NULL);
        if (r < 0)
                (void)run_leave_error(u, NULL, r);
}

static void print_prepared(const json_t *v)
{
        char time[CLOCK_TEXT], max[CLOCK_TEXT];
        struct line line;

        (void)fprintf(line_begin(&line),
                      "%s%s%s: %" PRIu64 " pulses in %" PRIu64 " trains, %s from first to last, %s %% MSO at most",
                      colour(COLOUR_BOLD), json_get_str(v, "id"), colour(COLOUR_NONE), json_get_u64(v, "pulses"),
                      json_get_u64(v, "trains"), clock_text(json_get_u64(v, "first_to_last_ns"), time),
                      permille_text((uint32_t)json_get_u64(v, "max_permille"), max));
        line_end(&line, 4);
        if (opt.rest)
                printf("what session %s has left, of its subject\n", opt.rest);
        else if (opt.subject)
                printf("subject %s\n", opt.subject);
        else
                print_lines("no subject: these pulses count for the day with those of all who are given none; "
                            "--subject names whose they are",
                            4);
        print_verdict(json_get_str(v, "class"), json_object_get(v, "reasons"), false);
        (void)fflush(stdout);
}

static int on_prepared(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        int r;

        if (sd_bus_message_get_error(m))
                return step_failed(u, m);
        r = bus_read_json(m, &u->verdict);
        if (r < 0)
                return run_leave_error(u, NULL, r);
        (void)json_object_set(u->properties, "pulses", json_object_get(u->verdict, "pulses"));
        (void)json_object_set(u->properties, "trains", json_object_get(u->verdict, "trains"));
        (void)json_object_set(u->properties, "time_left", json_object_get(u->verdict, "first_to_last_ns"));
        if (u->p && !STREQ(tms_protocol_sha256(u->p), json_get_str(u->verdict, "sha256")))
                u->p = tms_protocol_free(u->p);
        if (!opt.json)
                print_prepared(u->verdict);
        return run_is_over(u) ? 0 : notices_confirm(u);
}

static int append_parameters(sd_bus_message *m, const char *kind)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && opt.mt_permille > 0)
                r = sd_bus_message_append(m, "{sv}", "threshold_permille", "u", opt.mt_permille);
        if (r >= 0 && *kind)
                r = sd_bus_message_append(m, "{sv}", "threshold_kind", "s", kind);
        if (r >= 0 && opt.coil)
                r = sd_bus_message_append(m, "{sv}", "threshold_coil", "s", opt.coil);
        if (r >= 0 && opt.percent_permille > 0)
                r = sd_bus_message_append(m, "{sv}", "percent_permille", "u", opt.percent_permille);
        if (r >= 0 && opt.other_mt_permille > 0)
                r = sd_bus_message_append(m, "{sv}", "other_threshold_permille", "u", opt.other_mt_permille);
        if (r >= 0 && opt.leg_mt_permille[0] > 0)
                r = sd_bus_message_append(m, "{sv}", "leg_thresholds_permille", "au", TMS_LEGS_MAX,
                                          opt.leg_mt_permille[0], opt.leg_mt_permille[1], opt.leg_mt_permille[2],
                                          opt.leg_mt_permille[3]);
        if (r >= 0 && opt.adjusted_mt_permille > 0)
                r = sd_bus_message_append(m, "{sv}", "adjusted_threshold_permille", "u", opt.adjusted_mt_permille);
        if (r >= 0 && opt.leg_adjusted_permille[0] > 0)
                r = sd_bus_message_append(m, "{sv}", "leg_adjusted_thresholds_permille", "au", TMS_LEGS_MAX,
                                          opt.leg_adjusted_permille[0], opt.leg_adjusted_permille[1],
                                          opt.leg_adjusted_permille[2], opt.leg_adjusted_permille[3]);
        if (r >= 0 && opt.adjustment)
                r = sd_bus_message_append(m, "{sv}", "adjustment", "s", opt.adjustment);
        if (r >= 0 && opt.mt_method)
                r = sd_bus_message_append(m, "{sv}", "threshold_method", "s", opt.mt_method);
        if (r >= 0 && opt.override_reason)
                r = sd_bus_message_append(m, "{sv}", "override_reason", "s", opt.override_reason);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r;
}

static int on_created(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        struct run *u = userdata;
        const char *path;
        int r;

        if (sd_bus_message_get_error(m) && u->interrupted)
                return run_leave(u, fail(STATUS_INCOMPLETE, FAILURE_INTERRUPTED, "interrupted; there is no session"));
        if (sd_bus_message_get_error(m))
                return step_failed(u, m);
        r = sd_bus_message_read(m, "o", &path);
        if (r < 0)
                return run_leave_error(u, NULL, r);
        (void)snprintf(u->session, sizeof(u->session), "%s", path);
        if (u->interrupted)
                return run_leave(u,
                                 fail(STATUS_INCOMPLETE, FAILURE_INTERRUPTED,
                                      "interrupted; nothing was armed, and session %s is closed", path_id(u->session)));
        r = sd_bus_message_new_method_call(u->bus, &call, BUS_NAME, u->session, SESSION_INTERFACE, "Prepare");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", u->protocol, u->text ? u->text : "");
        if (r >= 0)
                r = append_parameters(call, u->kind);
        if (r >= 0)
                r = sd_bus_call_async(u->bus, NULL, call, on_prepared, u, CALL_TIMEOUT_USEC);
        return r < 0 ? run_leave_error(u, NULL, r) : 0;
}

static int create(struct run *u)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(u->bus, &m, BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "CreateSession");
        if (r >= 0)
                r = sd_bus_message_append(m, "o", u->stimulator);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && opt.subject)
                r = sd_bus_message_append(m, "{sv}", "subject", "s", opt.subject);
        if (r >= 0 && opt.rest)
                r = sd_bus_message_append(m, "{sv}", "rest_of", "s", opt.rest);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call_async(u->bus, NULL, m, on_created, u, CALL_TIMEOUT_USEC);
        return r;
}

/* --- Set-up ------------------------------------------------------------------------------------------ */

static int listen_to(struct run *u)
{
        int r;

        r = sd_bus_match_signal(u->bus, NULL, BUS_NAME, NULL, PROPERTIES_INTERFACE, "PropertiesChanged", on_properties,
                                u);
        if (r >= 0)
                r = sd_bus_match_signal(u->bus, NULL, BUS_NAME, NULL, SESSION_INTERFACE, "Ended", on_ended, u);
        if (r >= 0)
                r = sd_bus_add_match(u->bus, NULL, MATCH_NAME_OWNER(BUS_NAME), on_name, u);
        if (r >= 0)
                r = sd_bus_match_signal(u->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, u);
        return r;
}

static int set_up(struct run *u)
{
        int r;

        r = sd_event_new(&u->event);
        if (r >= 0)
                r = signals_watch(u);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(u->bus, CALL_TIMEOUT_USEC);
        if (r >= 0)
                r = sd_bus_attach_event(u->bus, u->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = listen_to(u);
        /* The time left is drawn again between two signals too. */
        if (r >= 0 && u->progress.terminal)
                r = sd_event_add_time_relative(u->event, NULL, CLOCK_MONOTONIC, REDRAW_USEC, 0, on_redraw, u);
        if (r >= 0 && u->progress.terminal && isatty(STDIN_FILENO))
                r = keys_listen(u);
        if (r >= 0)
                r = u->begin(u);
        return r;
}

int run_loop(struct run *u)
{
        int r;

        progress_init(&u->progress);
        r = set_up(u);
        return r < 0 ? bus_fail(NULL, r) : sd_event_loop(u->event);
}

/* Is there a protocol, or else a session whose rest is to be given? What is given with that was recorded then. */
static int check_what(int argc)
{
        if (argc == 0 && !opt.rest)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "run wants a protocol, or --rest SESSION for what a session has left; see tmsctl help run");
        if (opt.rest && (argc > 0 || opt.mt_permille || opt.percent_permille || opt.other_mt_permille ||
                         opt.leg_mt_permille[0] || opt.adjusted_mt_permille || opt.leg_adjusted_permille[0] ||
                         opt.threshold_kind || opt.coil || opt.mt_method || opt.adjustment))
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "run --rest gives what is left by the protocol and the threshold of that session; leave "
                            "protocol and threshold out");
        return 0;
}

/* Reads the protocol, as far as this program needs it itself. */
static int read_protocol(struct run *u, const char *name)
{
        int r;

        if (is_file_name(name)) {
                r = protocol_text(name, &u->text);
                if (r < 0)
                        return r;
        }
        if (u->text)
                (void)tms_protocol_parse(name, u->text, strlen(u->text), &u->p, NULL);
        else
                (void)tms_protocol_find(name, &u->p, NULL);
        protocol_kind(u->p, u->kind);
        return u->p ? protocol_want_threshold(u->p) : 0;
}

int verb_run(int argc, char **argv)
{
        _cleanup_(run_clear) struct run u = {.protocol = argc > 0 ? argv[0] : "",
                                             .properties = json_object(),
                                             .begin = create,
                                             .confirmed = arm,
                                             .answered = notices_answered};
        int r;

        if (!u.properties)
                return fail_memory();
        r = check_what(argc);
        if (r != 0)
                return r;
        r = stimulator_path(opt.stimulator, u.stimulator);
        if (r >= 0 && argc > 0)
                r = read_protocol(&u, argv[0]);
        if (r < 0)
                return -r;
        r = bus_open(&u.bus);
        return r < 0 ? -r : run_loop(&u);
}
