/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notices: the operator confirms them before the session is armed; see run.h. */
#include <termios.h>

#include "run.h"

/* The sentences of all notices, each after a space, malloc'd; "" if there are none. */
static int notice_sentences(const struct run *u, char **ret, unsigned *ret_n)
{
        const json_t *reason;
        size_t size = 0, i;
        FILE *f = open_memstream(ret, &size);

        if (!f)
                return -ENOMEM;
        *ret_n = 0;
        json_array_foreach(json_object_get(u->verdict, "reasons"), i, reason) {
                if (!is_class(json_get_str(reason, "class"), TMS_SAFETY_NOTICE))
                        continue;
                (void)fprintf(f, " %s", json_get_str(reason, "sentence"));
                (*ret_n)++;
        }
        return fclose(f) < 0 ? -ENOMEM : 0;
}

static int on_confirmed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        struct run *u = userdata;

        if (run_is_over(u))
                return 0;
        if (!sd_bus_is_open(u->bus))
                return run_bus_lost(u);
        if (sd_bus_message_get_error(m))
                return run_leave_error(u, sd_bus_message_get_error(m), -sd_bus_message_get_errno(m));
        u->confirmed(u);
        return 0;
}

static int call_confirm(struct run *u)
{
        int r = run_call(u, "ConfirmNotices", on_confirmed, NULL);

        return r < 0 ? run_leave_error(u, NULL, r) : 0;
}

void notices_answered(struct run *u, const char *line, ssize_t n)
{
        u->asking = false;
        /* If the answer ended with Enter, the cursor is in a new line already. */
        u->progress.drawn = n <= 0 || line[n - 1] != '\n';
        progress_end(&u->progress);
        while (n > 0 && strchr("\n\r\t ", line[n - 1]))
                n--;
        /* The session has ended meanwhile (the coil was pulled, somebody stopped it): the answer no longer matters. */
        if (run_is_over(u))
                return;
        if (n == 3 && strncasecmp(line, "yes", 3) == 0)
                (void)call_confirm(u);
        else
                (void)run_leave(u, fail(STATUS_NOT_CONFIRMED, FAILURE_NOTICE_NOT_CONFIRMED,
                                        "the notice was not confirmed; nothing was armed"));
}

/* Drops all input so far, even a line that is not ended yet: it was not meant as an answer. An empty line means no. */
void notices_ask(struct run *u)
{
        if (keys_heard(u))
                (void)tcflush(STDIN_FILENO, TCIFLUSH);
        u->line_size = 0;
        progress_end(&u->progress);
        printf("Treat all the same? Then type yes: ");
        (void)fflush(stdout);
        u->progress.drawn = true;
        u->asking = true;
        keys_again(u);
}

int notices_confirm(struct run *u)
{
        _cleanup_(freep) char *sentences = NULL;
        unsigned n = 0;

        if (notice_sentences(u, &sentences, &n) < 0)
                return run_leave(u, fail_memory());
        if (n == 0) {
                u->confirmed(u);
                return 0;
        }
        if (opt.confirm)
                return call_confirm(u);
        if (!keys_heard(u))
                return run_leave(u, fail(STATUS_NOT_CONFIRMED, FAILURE_NOTICE_NOT_CONFIRMED,
                                         "%s has %s to be confirmed, and nothing was armed; read %s, then give "
                                         "--confirm:%s",
                                         json_get_str(u->verdict, "id"), n == 1 ? "a notice" : "notices",
                                         n == 1 ? "it" : "them", sentences));
        notices_ask(u);
        return 0;
}
