/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run: one treatment, from the protocol to the report.
 *
 * A chain of asynchronous calls (CreateSession, Prepare, ConfirmNotices where
 * there are notices and the operator says yes, Arm, Start), then signals until the session has ended. ^C sends Stop at once, whatever answer
 * is outstanding: nothing on this side stands before it. Leaving the bus, by
 * a second ^C or a crash, ends the session too, for we own it.
 *
 * A notice is asked about on the terminal, and where a pulse waits for the
 * operator, Enter lets it go. What was typed before either does not count.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <termios.h>

#include "tmsctl-progress.h"

#define REDRAW_USEC USEC_PER_S

struct run {
        sd_event *event;
        sd_bus *bus;
        const char *protocol;   /* as on the command line */
        char *text;             /* the file's; NULL for an installed one */
        struct tms_protocol *p; /* what we know of it; NULL: nothing, or the daemon has another one */
        char kind[KIND_TEXT];   /* of the threshold */
        char stimulator[64];
        char session[256];
        json_t *properties; /* the session's, as last heard */
        json_t *verdict;
        uint64_t heard_ns; /* when its time left was last heard */
        struct progress progress;
        sd_event_source *typed; /* lines on the terminal */
        bool asking;            /* about the notices */
        bool waits;             /* for the operator */
        bool going;             /* Go was called, its answer is outstanding */
        bool interrupted;       /* ^C */
        bool started;           /* Start was called: pulses may have been fired */
        bool reporting;         /* the end was heard of */
};

static void run_clear(struct run *u)
{
        json_decref(u->properties);
        json_decref(u->verdict);
        free(u->text);
        tms_protocol_free(u->p);
        sd_event_source_disable_unref(u->typed);
        if (u->bus)
                sd_bus_flush_close_unref(u->bus);
        sd_event_unref(u->event);
}

static int leave(struct run *u, int status)
{
        (void)sd_event_exit(u->event, status);
        return 0;
}

static int leave_error(struct run *u, const sd_bus_error *error, int r)
{
        progress_end(&u->progress);
        return leave(u, bus_fail(error, r));
}

/* --- The report ------------------------------------------------------------------------- */

static int report_json(struct run *u, bool complete)
{
        const json_t *p = u->properties, *v = u->verdict;

        return print_json(json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:s, s:s, s:O?, s:O?}", "session",
                                    path_id(u->session), "protocol", json_get_str(p, "protocol_id"), "sha256",
                                    json_get_str(p, "protocol_sha256"), "pulses", json_u64(json_get_u64(p, "pulses")),
                                    "delivered", json_u64(json_get_u64(p, "delivered")), "missed",
                                    json_u64(json_get_u64(p, "missed")), "max_permille",
                                    json_u64(json_get_u64(p, "intensity_max")), "complete", complete, "end_reason",
                                    json_get_str(p, "end_reason"), "end_text", json_get_str(p, "end_text"), "verdict",
                                    json_object_get(v, "class"), "reasons", json_object_get(v, "reasons")),
                          complete ? STATUS_OK : STATUS_INCOMPLETE);
}

static int report(struct run *u)
{
        const json_t *p = u->properties;
        uint64_t pulses = json_get_u64(p, "pulses"), delivered = json_get_u64(p, "delivered"),
                 missed = json_get_u64(p, "missed");
        const char *reason = json_get_str(p, "end_reason"), *text = json_get_str(p, "end_text");
        bool complete = STREQ(reason, "complete") && pulses > 0 && delivered == pulses;
        char missed_text[48] = "";

        progress_end(&u->progress);
        if (opt.json)
                return report_json(u, complete);
        if (complete) {
                printf("%scomplete%s: %" PRIu64 " of %" PRIu64 " pulses delivered, session %s\n", colour(COLOUR_GREEN),
                       colour(COLOUR_NONE), delivered, pulses, path_id(u->session));
                return STATUS_OK;
        }
        if (missed > 0)
                (void)snprintf(missed_text, sizeof(missed_text), ", %" PRIu64 " missed", missed);
        return fail(STATUS_INCOMPLETE, "Incomplete",
                    "session %s ended with %" PRIu64 " of %" PRIu64 " pulses delivered%s: %s", path_id(u->session),
                    delivered, pulses, missed_text, *text ? text : reason);
}

static void merge(struct run *u, json_t *properties)
{
        if (json_object_get(properties, "time_left"))
                u->heard_ns = now_ns(CLOCK_MONOTONIC);
        (void)json_object_update(u->properties, properties);
}

static int read_properties(struct run *u, sd_bus_message *m)
{
        _cleanup_(json_decrefp) json_t *properties = NULL;
        int r;

        r = bus_read_json(m, &properties);
        if (r >= 0)
                merge(u, properties);
        return r;
}

static int on_final(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        int status;

        /* Without the last look, what was heard so far has to do. */
        if (!sd_bus_message_get_error(m))
                (void)read_properties(u, m);
        status = report(u);
        (void)sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, SESSION_INTERFACE, "Close", NULL, NULL,
                                       NULL);
        return leave(u, status);
}

static int begin_report(struct run *u)
{
        int r;

        if (u->reporting)
                return 0;
        u->reporting = true;
        r = sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, PROPERTIES_INTERFACE, "GetAll", on_final, u,
                                     "s", SESSION_INTERFACE);
        return r < 0 ? leave_error(u, NULL, r) : 0;
}

/* --- Waits for the operator -------------------------------------------------------------------- */

static int on_gone_on(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        struct run *u = userdata;

        u->going = false;
        if (!e || u->interrupted || u->reporting)
                return 0;
        /* The session goes on: this is not the end, and another Enter may do. */
        progress_end(&u->progress);
        (void)fprintf(stderr, "tmsctl: %s\n", e->message ? e->message : e->name);
        return 0;
}

/* From here on: what was typed until now was not meant for this. */
static void listen_anew(struct run *u)
{
        (void)tcflush(STDIN_FILENO, TCIFLUSH);
        (void)sd_event_source_set_enabled(u->typed, SD_EVENT_ON);
}

static int answered(struct run *u, const char *line, ssize_t n);

static int on_typed(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct run *u = userdata;
        char typed[256];
        ssize_t n;

        n = read(fd, typed, sizeof(typed));
        if (u->asking)
                return answered(u, typed, n);
        /* In the background the terminal is somebody else's: until the next wait. */
        if (n <= 0)
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (!memchr(typed, '\n', (size_t)n) || !u->waits || u->going || u->interrupted || u->reporting)
                return 0;
        u->going = sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, SESSION_INTERFACE, "Go", on_gone_on, u,
                                            "u", 0) >= 0;
        return 0;
}

/* The coil has to go elsewhere for each leg. */
static void say_leg(struct run *u)
{
        uint64_t train = json_get_u64(u->properties, "train"), first = 0;
        size_t legs = u->p ? tms_protocol_legs(u->p) : 0, i;
        struct tms_readings t;

        for (i = 0; legs > 1 && i < legs && tms_protocol_readings(u->p, i, &t) >= 0; first += t.trains, i++) {
                if (first != train)
                        continue;
                progress_end(&u->progress);
                printf("leg %zu of %zu, %s: %s\n", i + 1, legs, tms_protocol_leg_name(u->p, i),
                       tms_protocol_leg_target(u->p, i));
                return;
        }
}

static void see_waiting(struct run *u)
{
        bool waits = STREQ(json_get_str(u->properties, "waiting"), "operator");

        if (waits && !u->waits && u->typed)
                listen_anew(u);
        if (waits && !u->waits && !opt.json)
                say_leg(u);
        u->waits = waits;
}

/* --- What comes by itself ---------------------------------------------------------------------- */

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        const char *interface;
        int r;

        if (!STREQ(sd_bus_message_get_path(m), u->session) || u->reporting)
                return 0;
        r = sd_bus_message_read(m, "s", &interface);
        if (r < 0 || !STREQ(interface, SESSION_INTERFACE))
                return 0;
        (void)read_properties(u, m);
        see_waiting(u);
        if (STREQ(json_get_str(u->properties, "state"), "ended"))
                return begin_report(u);
        if (u->verdict && !u->asking)
                progress_show(&u->progress, u->properties, 0);
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
        return begin_report(u);
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0 || !*before || !*u->session)
                return 0;
        progress_end(&u->progress);
        return leave(u, fail(u->started ? STATUS_INCOMPLETE : STATUS_FAILED, "DaemonGone",
                             "the daemon has ended in the middle of session %s, and the driver stops the output when "
                             "it does; see: "
                             "journalctl -u tmsd",
                             path_id(u->session)));
}

static int on_redraw(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct run *u = userdata;

        if (u->verdict && *json_get_str(u->properties, "state") && !u->asking && !u->reporting)
                progress_show(&u->progress, u->properties, now_ns(CLOCK_MONOTONIC) - u->heard_ns);
        (void)sd_event_source_set_time_relative(source, REDRAW_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct run *u = userdata;

        /* The daemon stops the session of a client that leaves: a second ^C does just that. */
        if (u->interrupted || !*u->session) {
                progress_end(&u->progress);
                return leave(u, fail(STATUS_INCOMPLETE, "Interrupted",
                                     "interrupted; the daemon stops the session by itself"));
        }
        u->interrupted = true;
        (void)sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, SESSION_INTERFACE, "Stop", NULL, NULL,
                                       NULL);
        (void)sd_bus_flush(u->bus);
        return 0;
}

/* --- The chain ------------------------------------------------------------------------------------- */

/* Answers to Arm and Start: after ^C they fail, and the end of the session says why. */
static int step_failed(struct run *u, sd_bus_message *m)
{
        if (u->interrupted || u->reporting)
                return 0;
        u->reporting = true;
        return leave_error(u, sd_bus_message_get_error(m), -sd_bus_message_get_errno(m));
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
        if (u->interrupted || u->reporting)
                return 0;
        u->started = true;
        r = sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, SESSION_INTERFACE, "Start", on_started, u,
                                     NULL);
        return r < 0 ? leave_error(u, NULL, r) : 0;
}

static void print_prepared(const json_t *v)
{
        char time[CLOCK_TEXT], max[CLOCK_TEXT];

        printf("%s%s%s: %" PRIu64 " pulses in %" PRIu64 " trains, %s from first to last, %s %% MSO at most\n",
               colour(COLOUR_BOLD), json_get_str(v, "id"), colour(COLOUR_NONE), json_get_u64(v, "pulses"),
               json_get_u64(v, "trains"), clock_text(json_get_u64(v, "first_to_last_ns"), time),
               permille_text((uint32_t)json_get_u64(v, "max_permille"), max));
        print_verdict(json_get_str(v, "class"), json_object_get(v, "reasons"), false);
        (void)fflush(stdout);
}

static int call_next(struct run *u, const char *method, sd_bus_message_handler_t answer)
{
        int r;

        r = sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, SESSION_INTERFACE, method, answer, u, NULL);
        return r < 0 ? leave_error(u, NULL, r) : 0;
}

static int on_confirmed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;

        if (sd_bus_message_get_error(m))
                return step_failed(u, m);
        return u->interrupted || u->reporting ? 0 : call_next(u, "Arm", on_armed);
}

/* --- Notices: a second confirmation, before anything is armed ---------------------------------------- */

/* Their sentences with a space before each, malloc'd; "" for none. */
static int notice_sentences(const struct run *u, char **ret, unsigned *ret_n)
{
        const json_t *reason;
        size_t size = 0, i;
        FILE *f = open_memstream(ret, &size);

        if (!f)
                return -ENOMEM;
        *ret_n = 0;
        json_array_foreach(json_object_get(u->verdict, "reasons"), i, reason) {
                if (!STREQ(json_get_str(reason, "class"), "notice"))
                        continue;
                (void)fprintf(f, " %s", json_get_str(reason, "sentence"));
                (*ret_n)++;
        }
        return fclose(f) < 0 ? -ENOMEM : 0;
}

/* The session was made for this alone. */
static int leave_unconfirmed(struct run *u, int status)
{
        u->reporting = true;
        (void)sd_bus_call_method_async(u->bus, NULL, TMSD_NAME, u->session, SESSION_INTERFACE, "Close", NULL, NULL,
                                       NULL);
        return leave(u, status);
}

static int answered(struct run *u, const char *line, ssize_t n)
{
        u->asking = false;
        /* Enter has ended the line already. */
        u->progress.drawn = n <= 0 || line[n - 1] != '\n';
        progress_end(&u->progress);
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == ' '))
                n--;
        /* The coil was pulled, somebody has stopped it: the answer is to a question that is no more. */
        if (u->interrupted || u->reporting)
                return 0;
        if (n == 3 && strncasecmp(line, "yes", 3) == 0)
                return call_next(u, "ConfirmNotices", on_confirmed);
        return leave_unconfirmed(u, fail(STATUS_NOT_CONFIRMED, "NoticeNotConfirmed",
                                         "the notice was not confirmed; nothing was armed"));
}

static int confirm(struct run *u)
{
        _cleanup_(freep) char *sentences = NULL;
        unsigned n = 0;

        if (notice_sentences(u, &sentences, &n) < 0)
                return leave_unconfirmed(u, fail_memory());
        if (n == 0)
                return call_next(u, "Arm", on_armed);
        if (opt.confirm)
                return call_next(u, "ConfirmNotices", on_confirmed);
        if (!u->progress.asks)
                return leave_unconfirmed(u, fail(STATUS_NOT_CONFIRMED, "NoticeNotConfirmed",
                                                 "%s has %s to be confirmed, and nothing was armed; read %s, then give "
                                                 "--confirm:%s",
                                                 json_get_str(u->verdict, "id"), n == 1 ? "a notice" : "notices",
                                                 n == 1 ? "it" : "them", sentences));
        listen_anew(u);
        printf("Treat all the same? Then type yes: ");
        (void)fflush(stdout);
        u->progress.drawn = true;
        u->asking = true;
        return 0;
}

static int on_prepared(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        int r;

        if (sd_bus_message_get_error(m))
                return step_failed(u, m);
        r = bus_read_json(m, &u->verdict);
        if (r < 0)
                return leave_error(u, NULL, r);
        (void)json_object_set(u->properties, "pulses", json_object_get(u->verdict, "pulses"));
        (void)json_object_set(u->properties, "trains", json_object_get(u->verdict, "trains"));
        (void)json_object_set(u->properties, "time_left", json_object_get(u->verdict, "first_to_last_ns"));
        if (u->p && !STREQ(tms_protocol_sha256(u->p), json_get_str(u->verdict, "sha256")))
                u->p = tms_protocol_free(u->p);
        if (!opt.json)
                print_prepared(u->verdict);
        return u->interrupted || u->reporting ? 0 : confirm(u);
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

        if (sd_bus_message_get_error(m))
                return step_failed(u, m);
        r = sd_bus_message_read(m, "o", &path);
        if (r < 0)
                return leave_error(u, NULL, r);
        (void)snprintf(u->session, sizeof(u->session), "%s", path);
        r = sd_bus_message_new_method_call(u->bus, &call, TMSD_NAME, u->session, SESSION_INTERFACE, "Prepare");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", u->protocol, u->text ? u->text : "");
        if (r >= 0)
                r = append_parameters(call, u->kind);
        if (r >= 0)
                r = sd_bus_call_async(u->bus, NULL, call, on_prepared, u, CALL_TIMEOUT_USEC);
        return r < 0 ? leave_error(u, NULL, r) : 0;
}

static int begin(struct run *u)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(u->bus, &m, TMSD_NAME, TMSD_PATH, MANAGER_INTERFACE, "CreateSession");
        if (r >= 0)
                r = sd_bus_message_append(m, "o", u->stimulator);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && opt.subject)
                r = sd_bus_message_append(m, "{sv}", "subject", "s", opt.subject);
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

        r = sd_bus_match_signal(u->bus, NULL, TMSD_NAME, NULL, PROPERTIES_INTERFACE, "PropertiesChanged", on_properties,
                                u);
        if (r >= 0)
                r = sd_bus_match_signal(u->bus, NULL, TMSD_NAME, NULL, SESSION_INTERFACE, "Ended", on_ended, u);
        if (r >= 0)
                r = sd_bus_add_match(u->bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                     "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" TMSD_NAME "'",
                                     on_name, u);
        return r;
}

static int watch_signals(struct run *u)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        sigset_t set;
        size_t i;
        int r;

        (void)sigemptyset(&set);
        for (i = 0; i < ELEMENTS(signals); i++)
                (void)sigaddset(&set, signals[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        for (i = 0; i < ELEMENTS(signals); i++) {
                r = sd_event_add_signal(u->event, NULL, signals[i], on_signal, u);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int set_up(struct run *u)
{
        int r;

        r = sd_event_new(&u->event);
        if (r >= 0)
                r = watch_signals(u);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(u->bus, CALL_TIMEOUT_USEC);
        if (r >= 0)
                r = sd_bus_attach_event(u->bus, u->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = listen_to(u);
        /* The clock beside the bar goes on between two signals. */
        if (r >= 0 && u->progress.terminal)
                r = sd_event_add_time_relative(u->event, NULL, CLOCK_MONOTONIC, REDRAW_USEC, 0, on_redraw, u);
        if (r >= 0 && u->progress.asks) {
                /* A treatment does not stand still because its program is in the background. */
                (void)signal(SIGTTIN, SIG_IGN);
                (void)signal(SIGTTOU, SIG_IGN);
                r = sd_event_add_io(u->event, &u->typed, STDIN_FILENO, EPOLLIN, on_typed, u);
        }
        if (r >= 0)
                r = begin(u);
        return r;
}

int verb_run(int argc, char **argv)
{
        _cleanup_(run_clear) struct run u = {.protocol = argv[0], .properties = json_object()};
        int r;

        if (!u.properties)
                return fail_memory();
        r = stimulator_path(opt.stimulator, u.stimulator);
        if (r < 0)
                return -r;
        if (is_file_name(argv[0])) {
                r = protocol_text(argv[0], &u.text);
                if (r < 0)
                        return -r;
        }
        if (u.text)
                (void)tms_protocol_parse(argv[0], u.text, strlen(u.text), &u.p, NULL);
        else
                (void)tms_protocol_find(argv[0], &u.p, NULL);
        protocol_kind(u.p, u.kind);
        r = bus_open(&u.bus);
        if (r < 0)
                return -r;
        progress_init(&u.progress);
        u.progress.asks = u.progress.terminal && isatty(STDIN_FILENO);
        r = set_up(&u);
        if (r < 0)
                return bus_fail(NULL, r);
        return sd_event_loop(u.event);
}
