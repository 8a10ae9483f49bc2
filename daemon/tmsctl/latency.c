/* SPDX-License-Identifier: GPL-2.0-or-later */
/* latency: how exact the pulses of the last run were, and what would make those of the next more exact. */
#include <inttypes.h>

#include "host.h"

#define BAR_WIDTH 40

struct latency {
        uint32_t run, count, max_ns, fitness_ns;
        json_t *error, *wakeup;
};

static void latency_clear(struct latency *l)
{
        json_decref(l->error);
        json_decref(l->wakeup);
}

/* --- Histogram -------------------------------------------------------------------------- */

static const char *ns_text(uint64_t ns, char buf[static CLOCK_TEXT])
{
        if (ns < 10000)
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 " ns", ns);
        else if (ns < 10000000)
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 " us", ns / 1000);
        else
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 " ms", ns / 1000000);
        return buf;
}

static void print_histogram(const char *title, const json_t *buckets)
{
        size_t n = json_array_size(buckets), first = n, last = 0, i;
        uint64_t most = 1;

        for (i = 0; i < n; i++) {
                uint64_t v = (uint64_t)json_integer_value(json_array_get(buckets, i));

                if (v == 0)
                        continue;
                first = first == n ? i : first;
                last = i;
                most = v > most ? v : most;
        }
        printf("%s%s%s\n", colour(COLOUR_BOLD), title, colour(COLOUR_NONE));
        if (first == n)
                puts("  nothing yet");
        for (i = first; i < n && i <= last; i++) {
                uint64_t v = (uint64_t)json_integer_value(json_array_get(buckets, i)), k;
                char to[CLOCK_TEXT];

                if (i + 1 == n)
                        printf("  %12s %8" PRIu64 " ", "more", v);
                else
                        printf("  below %6s %8" PRIu64 " ", ns_text(1ULL << i, to), v);
                for (k = 0; k < (v * BAR_WIDTH + most - 1) / most; k++)
                        (void)fputs(is_utf8() ? "█" : "#", stdout);
                (void)putchar('\n');
        }
}

/* --- The daemon's figures ------------------------------------------------------------------ */

static int only_one(const char *path, json_t *properties, void *userdata)
{
        char *buf = userdata;

        if (*buf)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                             "there are several stimulators; name the one you mean, such as /dev/tms0");
        (void)snprintf(buf, 64, "%s", path);
        return 0;
}

static int choose(sd_bus *bus, int argc, char **argv, char path[static 64])
{
        _cleanup_(json_decrefp) json_t *objects = NULL;
        int r;

        if (argc > 0)
                return stimulator_path(argv[0], path);
        path[0] = '\0';
        r = bus_objects(bus, &objects);
        if (r >= 0)
                r = objects_foreach(objects, STIMULATOR_INTERFACE, only_one, path);
        if (r >= 0 && !*path)
                return -fail(STATUS_NO_STIMULATOR, FAILURE_NO_STIMULATOR, NO_STIMULATOR);
        return r;
}

static int get_latency(int argc, char **argv, struct latency *l)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char path[64];
        int r;

        r = bus_open(&bus);
        if (r >= 0)
                r = choose(bus, argc, argv, path);
        if (r >= 0)
                r = bus_call_simple(bus, path, STIMULATOR_INTERFACE, "GetLatency", &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "uuu", &l->run, &l->count, &l->max_ns);
        if (r >= 0)
                r = bus_read_json(reply, &l->error);
        if (r >= 0)
                r = bus_read_json(reply, &l->wakeup);
        if (r >= 0)
                r = sd_bus_get_property_trivial(bus, BUS_NAME, path, STIMULATOR_INTERFACE, "FitnessMax", NULL, 'u',
                                                &l->fitness_ns);
        return r < 0 ? -bus_fail(NULL, r) : 0;
}

static void print_advice(const struct host_advice *advice, size_t n)
{
        size_t i;

        printf("%sthis host%s\n", colour(COLOUR_BOLD), colour(COLOUR_NONE));
        for (i = 0; i < n; i++) {
                printf("  %s%-7s%s %s\n", colour(advice[i].good ? COLOUR_GREEN : COLOUR_YELLOW),
                       advice[i].good ? "good" : "improve", colour(COLOUR_NONE), advice[i].found);
                if (!advice[i].good)
                        printf("          %s\n", advice[i].mend);
        }
}

static json_t *advice_json(const struct host_advice *advice, size_t n)
{
        json_t *j = json_array();
        size_t i;

        for (i = 0; i < n; i++)
                (void)json_array_append_new(j, json_pack("{s:s, s:b, s:s, s:s}", "name", advice[i].name, "good",
                                                         advice[i].good, "found", advice[i].found, "mend",
                                                         advice[i].good ? "" : advice[i].mend));
        return j;
}

int verb_latency(int argc, char **argv)
{
        _cleanup_(latency_clear) struct latency l = {0};
        struct host_advice advice[HOST_ADVICE_MAX];
        char max[CLOCK_TEXT];
        size_t n;
        int r;

        r = get_latency(argc, argv, &l);
        if (r < 0)
                return -r;
        n = host_look(advice);
        if (opt.json)
                return print_json(json_pack("{s:I, s:I, s:I, s:I, s:O, s:O, s:o}", "run", (json_int_t)l.run, "count",
                                            (json_int_t)l.count, "max_ns", (json_int_t)l.max_ns, "fitness_max_ns",
                                            (json_int_t)l.fitness_ns, "error_histogram", l.error, "wakeup_histogram",
                                            l.wakeup, "host", advice_json(advice, n)),
                                  STATUS_OK);
        if (l.count > 0)
                printf("run %u: %u pulses, the worst %s off its time\n", l.run, l.count, ns_text(l.max_ns, max));
        else
                puts("no pulse has been fired yet");
        print_histogram("trigger, distance from its time", l.error);
        print_histogram("timer interrupt, lateness to its lead", l.wakeup);
        if (l.fitness_ns > 0)
                printf("the last arming's timer probes: %s at worst\n", ns_text(l.fitness_ns, max));
        print_advice(advice, n);
        return STATUS_OK;
}
