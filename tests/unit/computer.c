/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A computer that a test plays; see computer.h. */
#include "computer.h"

int computer_setup(void **state)
{
        struct computer *c = calloc(1, sizeof(*c));

        assert_int_equal(history_new(31 * DAY_NS, &c->h), 0);
        strcpy(c->boot, "b1");
        c->true_ns = MONDAY_NS;
        c->booted_ns = MONDAY_NS - 10 * MINUTE_NS;
        c->log = json_array();
        *state = c;
        return 0;
}

int computer_teardown(void **state)
{
        struct computer *c = *state;

        history_free(c->h);
        json_decref(c->log);
        free(c);
        return 0;
}

void pass(struct computer *c, uint64_t ns)
{
        c->true_ns += ns;
}

void boot_after(struct computer *c, uint64_t off_ns)
{
        c->boot[1]++;
        c->true_ns += off_ns;
        c->booted_ns = c->true_ns;
        c->true_ns += 20 * NS_PER_S;
}

static struct clock_now now(const struct computer *c)
{
        return (struct clock_now){
                        .utc_ns = c->true_ns + (uint64_t)c->wall_ns,
                        .boottime_ns = c->true_ns - c->booted_ns,
                        .synchronised = !c->unsynchronised,
        };
}

void record(struct computer *c, const char *type, json_t *data)
{
        struct clock_now n = now(c);
        time_t s = (time_t)(n.utc_ns / NS_PER_S);
        struct tm tm;
        char utc[40];
        json_t *r;

        (void)gmtime_r(&s, &tm);
        assert_true(strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%S.000000Z", &tm) > 0);
        if (!data)
                data = json_object();
        if (!c->old_format) {
                (void)json_object_set_new(data, "boottime_ns", json_integer((json_int_t)n.boottime_ns));
                (void)json_object_set_new(data, "synchronised", json_boolean(n.synchronised));
        }
        r = json_pack("{s:s, s:I, s:s, s:s, s:o}", "utc", utc, "mono_ns", (json_int_t)n.boottime_ns, "boot", c->boot,
                      "type", type, "data", data);
        assert_non_null(r);
        history_see(r, c->h);
        (void)json_array_append_new(c->log, r);
}

static void seal(struct computer *c)
{
        bool old = c->old_format;

        c->old_format = true;
        record(c, "seal", NULL);
        c->old_format = old;
}

void treat(struct computer *c, const char *subject, unsigned pulses)
{
        static unsigned number;
        char id[16];

        (void)snprintf(id, sizeof(id), "s%u", number++);
        record(c, "session.create", json_pack("{s:s, s:i, s:s}", "session", id, "card_serial", 1, "subject", subject));
        pass(c, 5 * MINUTE_NS);
        record(c, "session.end", json_pack("{s:s, s:i}", "session", id, "delivered", pulses));
        seal(c);
}

unsigned today(struct computer *c, const char *subject)
{
        struct clock_now n = now(c);
        struct tms_today t, again;
        struct history *h;
        json_t *r;
        size_t i;

        assert_int_equal(history_today(c->h, subject, c->boot, &n, NULL, &t), 0);
        assert_int_equal(history_new(31 * DAY_NS, &h), 0);
        json_array_foreach(c->log, i, r)
                history_see(r, h);
        assert_int_equal(history_today(h, subject, c->boot, &n, NULL, &again), 0);
        history_free(h);
        assert_int_equal(t.treatment, again.treatment);
        return t.treatment;
}

bool trouble(const struct computer *c, enum clock_trouble kind)
{
        struct clock_now n = now(c);
        struct elapsed e;

        history_elapsed(c->h, c->boot, &n, &e);
        return e.trouble[kind].active;
}

bool is_sane(const struct computer *c)
{
        return !trouble(c, CLOCK_STEPPED) && !trouble(c, CLOCK_BACKWARD) && !trouble(c, CLOCK_LONG_OFF);
}
