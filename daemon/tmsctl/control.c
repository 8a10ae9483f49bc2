/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * go, pause, resume, stop, clear-fault.
 *
 * Stop comes before everything else and needs no answer first. It is sent to
 * the driver directly if this user may open the device (the driver accepts it
 * from anyone), and to the daemon for every stimulator. All calls are sent
 * before the first answer is waited for.
 */
#include "tmsctl.h"

#define STOP_WAIT_USEC (10 * USEC_PER_S) /* for the answers, after everything was sent */
#define STIMULATORS_MAX 64

/* --- stop ---------------------------------------------------------------------------------- */

struct stop {
        char node[64];
        struct tms_device *device; /* NULL: this user may not open it */
        bool stopped, answered;
        bool idle;     /* the daemon says that there was nothing to stop */
        char *message; /* why the daemon could not stop it */
};

struct stops {
        struct stop stop[STIMULATORS_MAX];
        unsigned n, waiting;
};

static void stops_clear(struct stops *s)
{
        unsigned i;

        for (i = 0; i < s->n; i++) {
                tms_device_close(s->stop[i].device);
                free(s->stop[i].message);
        }
}

static int add_node(const char *node, void *userdata)
{
        struct stops *s = userdata;

        if (s->n == ELEMENTS(s->stop))
                return 0;
        (void)snprintf(s->stop[s->n].node, sizeof(s->stop[0].node), "%s", node);
        s->n++;
        return 0;
}

static void stop_by_driver(struct stop *s)
{
        if (tms_device_open(s->node, false, &s->device) < 0)
                return;
        s->stopped = tms_device_stop(s->device) >= 0;
}

/*
 * Has the driver ended anything since the device was opened, just before the stop? It may have been stopped here before
 * the daemon was asked, and not have been the daemon's.
 */
static bool has_ended(struct tms_device *d)
{
        struct tms_event e[16];
        int n, i;

        n = d ? tms_device_read_events(d, e, ELEMENTS(e)) : 0;
        for (i = 0; i < n; i++)
                if (e[i].type == TMS_EVENT_STATE &&
                    ((e[i].state.from >= TMS_STATE_ARMING && e[i].state.from <= TMS_STATE_PAUSED) ||
                     e[i].state.from == TMS_STATE_BREAK))
                        return true;
        return false;
}

static int on_stopped(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct stop *s = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        int something = true;

        s->answered = true;
        if (!e)
                s->stopped = true;
        else if (e->message)
                s->message = strdup(e->message);
        /* An answer that says nothing of it is that of an older daemon, or of one without memory. */
        if (!e && sd_bus_message_read(m, "b", &something) > 0)
                s->idle = !something;
        return 0;
}

static unsigned unanswered(const struct stops *s)
{
        unsigned n = 0, i;

        for (i = 0; i < s->n; i++)
                n += !s->stop[i].answered;
        return n;
}

static int stop_by_daemon(struct stops *s)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        uint64_t end = now_ns(CLOCK_MONOTONIC) + STOP_WAIT_USEC * 1000, now;
        unsigned i;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return r;
        for (i = 0; i < s->n; i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), MANAGER_PATH "/stimulator/%s", s->stop[i].node + strlen("/dev/tms"));
                r = sd_bus_call_method_async(bus, NULL, BUS_NAME, path, STIMULATOR_INTERFACE, "Stop", on_stopped,
                                             &s->stop[i], NULL);
                if (r < 0)
                        return r;
        }
        while (unanswered(s) > 0 && (now = now_ns(CLOCK_MONOTONIC)) < end) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, (end - now) / 1000);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int report_stops(const struct stops *s, int r)
{
        _cleanup_(json_decrefp) json_t *stopped = json_array(), *idle = json_array();
        const struct stop *bad = NULL;
        unsigned i;

        for (i = 0; i < s->n; i++) {
                const struct stop *one = s->stop + i;
                bool nothing = one->idle && !has_ended(one->device);

                if (!one->stopped) {
                        bad = one;
                } else if (opt.json) {
                        (void)json_array_append_new(stopped, json_string(one->node));
                        if (nothing)
                                (void)json_array_append_new(idle, json_string(one->node));
                } else {
                        printf("%s: stopped%s\n", one->node, nothing ? "; nothing was running" : "");
                }
        }
        if (!bad && opt.json)
                return print_json(json_pack("{s:O, s:O}", "stopped", stopped, "idle", idle), STATUS_OK);
        if (!bad)
                return STATUS_OK;
        return fail(STATUS_FAILED, FAILURE_FAILED, "%s could not be stopped from here: %s; use its emergency stop",
                    bad->node,
                    bad->message ? bad->message
                    : r < 0      ? strerror(-r)
                                 : "the daemon does not answer");
}

int verb_stop(int argc, char **argv)
{
        _cleanup_(stops_clear) struct stops s = {0};
        unsigned i;
        int r;

        if (argc > 0) {
                char path[64], node[32];

                r = stimulator_path(argv[0], path);
                if (r < 0)
                        return -r;
                (void)snprintf(node, sizeof(node), "/dev/tms%.20s", path_id(path));
                (void)add_node(node, &s);
        } else {
                (void)tms_enumerate(add_node, &s);
        }
        if (s.n == 0)
                return fail(STATUS_NO_STIMULATOR, FAILURE_NO_STIMULATOR,
                            "no stimulator is connected; if one is firing, use its emergency stop");
        for (i = 0; i < s.n; i++)
                stop_by_driver(s.stop + i);
        r = stop_by_daemon(&s);
        return report_stops(&s, r);
}

/* --- go, pause, resume ---------------------------------------------------------------------------- */

struct choice {
        const char *id; /* NULL: the session whose property has the value */
        const char *property, *value, *words;
        char path[256];
        unsigned n;
};

static int choose(const char *path, json_t *properties, void *userdata)
{
        struct choice *c = userdata;

        if (c->id ? !STREQ(c->id, path_id(path)) : !STREQ(json_get_str(properties, c->property), c->value))
                return 0;
        (void)snprintf(c->path, sizeof(c->path), "%s", path);
        c->n++;
        return 0;
}

static int find_session(sd_bus *bus, struct choice *c)
{
        _cleanup_(json_decrefp) json_t *objects = NULL;
        int r;

        r = bus_objects(bus, &objects);
        if (r < 0)
                return r;
        r = objects_foreach(objects, SESSION_INTERFACE, choose, c);
        if (r < 0)
                return r;
        if (c->n == 1)
                return 0;
        if (c->id)
                return -fail(STATUS_FAILED, FAILURE_NO_SUCH_SESSION,
                             "there is no session '%s'; tmsctl session shows which there are", c->id);
        if (c->n == 0)
                return -fail(STATUS_FAILED, FAILURE_NO_SUCH_SESSION,
                             "no session %s; tmsctl session shows which there are", c->words);
        return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                     "there are %u sessions of which each %s; name the one you mean (see tmsctl session)", c->n,
                     c->words);
}

/* c: which session, unless an argument names it. type, value: the method's argument; type '\0': it has none. */
static int call_session(int argc, char **argv, struct choice c, const char *method, char type, uint32_t value,
                        const char *done)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (argc > 0)
                c.id = path_id(argv[0]);

        r = bus_open(&bus);
        if (r >= 0)
                r = find_session(bus, &c);
        if (r < 0)
                return -r;
        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, c.path, SESSION_INTERFACE, method);
        if (r >= 0 && type)
                r = sd_bus_message_append_basic(m, type, &value);
        if (r < 0)
                return bus_fail(NULL, r);
        r = bus_call(bus, m, NULL);
        if (r < 0)
                return -r;
        if (opt.json)
                return print_json(json_pack("{s:s}", "session", path_id(c.path)), STATUS_OK);
        printf("session %s: %s\n", path_id(c.path), done);
        return STATUS_OK;
}

int verb_go(int argc, char **argv)
{
        const struct choice c = {.property = "waiting", .value = "operator", .words = "waits for the operator"};

        return call_session(argc, argv, c, "Go", 'u', opt.intensity_permille, "goes on");
}

int verb_pause(int argc, char **argv)
{
        const struct choice c = {.property = "state", .value = "running", .words = "is running"};

        return call_session(argc, argv, c, "Pause", 'b', opt.now,
                            opt.now ? "paused" : "pauses at the end of the train");
}

int verb_resume(int argc, char **argv)
{
        const struct choice c = {.property = "state", .value = "paused", .words = "is paused"};

        return call_session(argc, argv, c, "Resume", '\0', 0, "resumed");
}

/* --- clear-fault --------------------------------------------------------------------------------- */

static int only_fault(const char *path, json_t *properties, void *userdata)
{
        char *buf = userdata;

        if (!STREQ(json_get_str(properties, "state"), STATE_FAULT))
                return 0;
        /* With two faults the user has to name one: its cause may be mended, and that of the other not. */
        if (*buf)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                             "/dev/tms%s and /dev/tms%s both have a fault; name the one whose cause is mended: tmsctl "
                             "clear-fault /dev/tms%s",
                             path_id(buf), path_id(path), path_id(buf));
        (void)snprintf(buf, 64, "%s", path);
        return 0;
}

/* The stimulator named, or the one that has a fault. */
static int find_fault(sd_bus *bus, int argc, char **argv, char path[static 64])
{
        _cleanup_(json_decrefp) json_t *objects = NULL;
        int r;

        if (argc > 0)
                return stimulator_path(argv[0], path);
        r = bus_objects(bus, &objects);
        if (r < 0)
                return r;
        path[0] = '\0';
        r = objects_foreach(objects, STIMULATOR_INTERFACE, only_fault, path);
        if (r == 0 && !*path)
                return -fail(STATUS_FAILED, FAILURE_NO_FAULT, "no stimulator has a fault to clear");
        return r < 0 ? r : 0;
}

int verb_clear_fault(int argc, char **argv)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        char path[64];
        int r;

        r = bus_open(&bus);
        if (r >= 0)
                r = find_fault(bus, argc, argv, path);
        if (r >= 0)
                r = bus_call_simple(bus, path, STIMULATOR_INTERFACE, "ClearFault", NULL);
        if (r < 0)
                return -r;
        if (opt.json)
                return print_json(json_pack("{s:s}", "cleared", path), STATUS_OK);
        printf("/dev/tms%s: fault cleared\n", path_id(path));
        return STATUS_OK;
}
