/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * take: this program becomes the owner of a session whose owner has left or does not answer, and shows it as run does,
 * to its end. It is paused, and somebody resumes it. See run.h.
 */
#include <inttypes.h>

#include "run.h"

struct absent {
        const char *id; /* NULL: the one whose owner is absent */
        char path[256];
        unsigned n;
};

static int choose(const char *path, json_t *properties, void *userdata)
{
        struct absent *a = userdata;
        const char *owner = json_get_str(properties, "owner_state");

        if (a->id ? !STREQ(a->id, path_id(path))
                  : STREQ(owner, OWNER_IS_THERE) || STREQ(json_get_str(properties, "state"), STATE_ENDED))
                return 0;
        (void)snprintf(a->path, sizeof(a->path), "%s", path);
        a->n++;
        return 0;
}

static int find(sd_bus *bus, struct absent *a)
{
        _cleanup_(json_decrefp) json_t *objects = NULL;
        int r;

        r = bus_objects(bus, &objects);
        if (r >= 0)
                r = objects_foreach(objects, SESSION_INTERFACE, choose, a);
        if (r < 0 || a->n == 1)
                return r;
        if (a->id)
                return -fail(STATUS_FAILED, FAILURE_NO_SUCH_SESSION,
                             "there is no session '%s'; tmsctl session shows which there are", a->id);
        if (a->n == 0)
                return -fail(STATUS_FAILED, FAILURE_NO_SUCH_SESSION,
                             "every session has its owner; tmsctl session shows which there are");
        return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                     "there are %u sessions whose owner is absent; name the one you mean (see tmsctl session)", a->n);
}

static int on_shown(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;

        if (run_is_over(u))
                return 0;
        if (sd_bus_message_get_error(m) || run_read_properties(u, m) < 0)
                return run_leave_error(u, sd_bus_message_get_error(m), -sd_bus_message_get_errno(m));
        run_say(u, "session %s is yours now%s%s, %s, %" PRIu64 " of %" PRIu64 " pulses delivered", path_id(u->session),
                *json_get_str(u->properties, "subject") ? ": subject " : "", json_get_str(u->properties, "subject"),
                json_get_str(u->properties, "protocol_id"), json_get_u64(u->properties, "delivered"),
                json_get_u64(u->properties, "pulses"));
        run_see(u);
        if (STREQ(run_state(u), STATE_ENDED))
                return run_report(u);
        if (u->paused)
                run_say(u, "%s",
                        keys_heard(u) ? "it is paused: r resumes, s stops"
                                      : "it is paused: tmsctl resume goes on, tmsctl stop ends it");
        return 0;
}

static int on_taken(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;
        int r;

        /* It was not taken, so it is nobody's to close. */
        if (sd_bus_message_get_error(m)) {
                u->session[0] = '\0';
                return run_leave_error(u, sd_bus_message_get_error(m), -sd_bus_message_get_errno(m));
        }
        r = run_ask_properties(u, on_shown);
        return r < 0 ? run_leave_error(u, NULL, r) : 0;
}

static int begin(struct run *u)
{
        return run_call(u, "Take", on_taken, NULL);
}

int verb_take(int argc, char **argv)
{
        /* Pulses may have been fired, and there is no verdict to show. */
        _cleanup_(run_clear) struct run u = {.protocol = "",
                                             .properties = json_object(),
                                             .verdict = json_object(),
                                             .started = true,
                                             .begin = begin};
        struct absent a = {.id = argc > 0 ? path_id(argv[0]) : NULL};
        int r;

        if (!u.properties || !u.verdict)
                return fail_memory();
        r = bus_open(&u.bus);
        if (r >= 0)
                r = find(u.bus, &a);
        if (r < 0)
                return -r;
        (void)snprintf(u.session, sizeof(u.session), "%s", a.path);
        return run_loop(&u);
}
