/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e2e-stop [--full] [--trouble NAME,...] [--step NAME,...] OUT: see stop.h. Prints TAP; OUT/stop.tsv, OUT/trace.txt. */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stop.h"

/* What shows whether the daemon keeps up, and the whole of it. */
#define MESSAGES 2000
#define MESSAGES_FULL 15000

void die(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)fprintf(stderr, "e2e-stop: ");
        (void)vfprintf(stderr, format, ap);
        (void)fprintf(stderr, "\n");
        va_end(ap);
        exit(2);
}

int64_t mono_ns(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void sleep_ms(unsigned ms)
{
        struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * NS_PER_MS};

        (void)nanosleep(&t, NULL);
}

void shell(const char *format, ...)
{
        char command[512];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        if (system(command) != 0)
                die("failed: %s", command);
}

/* Is the name in that list, whose names have commas between them? */
static bool wanted(const char *only, const char *name)
{
        size_t n = strlen(name);

        for (; only; only = strchr(only, ',') ? strchr(only, ',') + 1 : NULL) {
                if (strncmp(only, name, n) == 0 && (only[n] == ',' || only[n] == '\0'))
                        return true;
        }
        return false;
}

int main(int argc, char *argv[])
{
        static const struct option options[] = {
                        {"full", no_argument, NULL, 'f'},
                        {"trouble", required_argument, NULL, 't'},
                        {"step", required_argument, NULL, 's'},
                        {0},
        };
        const char *only_trouble = NULL, *only_step = NULL;
        struct world w = {.messages = MESSAGES};
        unsigned variant, variants;
        char path[256];
        size_t i;
        int c;

        while ((c = getopt_long(argc, argv, "ft:s:", options, NULL)) >= 0) {
                switch (c) {
                case 'f':
                        w.full = true;
                        w.messages = MESSAGES_FULL;
                        break;
                case 't':
                        only_trouble = optarg;
                        break;
                case 's':
                        only_step = optarg;
                        break;
                default:
                        return 2;
                }
        }
        if (optind != argc - 1)
                die("usage: e2e-stop [--full] [--trouble NAME,...] [--step NAME,...] OUT");

        setvbuf(stdout, NULL, _IOLBF, 0);
        (void)snprintf(path, sizeof(path), "%s/stop.tsv", argv[optind]);
        w.stops = fopen(path, "we");
        if (!w.stops)
                die("%s: %m", path);
        (void)fprintf(w.stops,
                      "scene\ttrouble\tflood\tstep\tcard\tcall\tcookie\tran\tcall_ns\treply_ns\tsafe\tsafe_ns\t"
                      "offset_ns\tuntil_ns\terror\n");
        lab_open();
        trace_begin();
        w.bus = bus_open();
        variants = w.full ? 8 : 1;
        for (i = 0; i < n_troubles; i++) {
                unsigned step;

                for (step = 0; step < STEPS; step++) {
                        if ((only_trouble && !wanted(only_trouble, troubles[i].name)) ||
                            (only_step && !wanted(only_step, step_names[step])))
                                continue;
                        /* All variants in full; else each of them somewhere in every trouble and at every step. */
                        for (variant = 0; variant < variants; variant++)
                                scene_run(&w, &troubles[i], step, w.full ? variant : ((unsigned)i * 3 + step) % 8);
                }
        }
        (void)snprintf(path, sizeof(path), "%s/trace.txt", argv[optind]);
        trace_end(path);
        fclose(w.stops);
        for (i = 0; i < ELEMENTS(w.crowd); i++)
                peer_end(&w.crowd[i]);
        peer_end(&w.polkit);
        printf("1..%u\n", w.n_scenes);
        return w.n_failed ? 1 : 0;
}
