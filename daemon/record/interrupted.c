/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finishes recoveries that were cut off by a crash; see interrupted.h. */
#include <fcntl.h>

#include "interrupted.h"

struct closing {
        audit_done_fn done;
        void *userdata;
        int error;
        unsigned pending; /* entries under way, plus one while submitting */
};

static void release(struct closing *c, int error)
{
        if (c->error >= 0)
                c->error = error;
        if (--c->pending > 0)
                return;
        if (c->error < 0)
                log_event(RECOVERY_FAILED, FIELDS(field_errno(c->error)),
                          "what a recovery that was cut off has left is not on record yet: %s; mend that, then: "
                          "systemctl restart tmsd",
                          audit_error_text(c->error));
        if (c->done)
                c->done(&(struct audit_result){.error = c->error}, c->userdata);
        free(c);
}

static void on_recorded(const struct audit_result *result, void *userdata)
{
        release(userdata, result->error);
}

static json_t *describe(const struct past_recovery *p)
{
        json_t *data = json_pack("{s:s, s:i}", "session", p->session, "fetched", 0);

        if (data && p->card_serial && json_object_set_new(data, "card_serial", json_u64(p->card_serial)) < 0) {
                json_decref(data);
                return NULL;
        }
        return data;
}

/* The crash may have come before the pulse file was made. Then its pulses were only in the kernel. */
static bool has_file(const struct recorder *r, const struct pulsefile *p)
{
        char path[160];

        (void)snprintf(path, sizeof(path), "audit/%s", pulsefile_path(p));
        return faccessat(r->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int close_one(struct recorder *r, const struct past_recovery *past, struct closing *c)
{
        struct pulsefile *p;
        bool there;
        int error;

        error = pulsefile_new(past->session, &p);
        if (error < 0)
                return error;
        log_event(RECOVERY_CUT_OFF,
                  FIELDS(field_text("SESSION", past->session), field_known("CARD_SERIAL", past->card_serial)),
                  "the recovery of %s was cut off; what it had put into its file is recorded now", past->session);
        there = has_file(r, p);
        if (there)
                (void)audit_pulses_open(r->audit, p, true, NULL, NULL);
        error = audit_write(r->audit,
                            &(struct audit_record){
                                            .type = "recovery.pulses",
                                            .data = describe(past),
                                            .pulses = there ? p : NULL,
                                            .refusable = true,
                            },
                            on_recorded, c);
        if (error >= 0)
                c->pending++;
        if (there)
                audit_pulses_close(r->audit, p);
        else
                pulsefile_free(p);
        return error;
}

int interrupted_close(struct recorder *r, audit_done_fn done, void *userdata)
{
        const struct past_recovery *p = NULL;
        struct closing *c = calloc(1, sizeof(*c));
        int error = 0;

        if (!c)
                return -ENOMEM;
        *c = (struct closing){.done = done, .userdata = userdata, .pending = 1};
        while (error >= 0 && (p = history_interrupted(r->history, p)))
                error = close_one(r, p, c);
        release(c, error);
        return 0;
}
