/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs, and main(); see tmsctl.h. */
#include <fcntl.h>
#include <locale.h>

#include "arguments.h"
#include "verb.h"

static int verb_help(int argc, char **argv);

static const struct verb verbs[] = {
                {"status", 0, 0, BIT(OPT_JSON), verb_status, "",
                 "what is connected and its state (also without any verb)"},
                {"list", 0, 1, BIT(OPT_JSON), verb_list, "[protocols|stimulators]",
                 "the installed protocols, or the stimulators"},
                {"show", 1, 1, BIT(OPT_JSON) | BIT(OPT_TIMELINE) | BIT(OPT_TODAY) | DOSE_OPTIONS, verb_show,
                 "FILE|ID [--timeline]",
                 "a protocol in words, its totals and both readings of its inter-train interval"},
                {"check", 1, 1, BIT(OPT_JSON) | BIT(OPT_TODAY) | DOSE_OPTIONS, verb_check,
                 "FILE|ID --mt % [--percent %] [--coil TYPE]",
                 "the safety verdict on a protocol for this motor threshold"},
                {"plot", 1, 1, BIT(OPT_JSON) | BIT(OPT_SVG) | (DOSE_OPTIONS & ~BIT(OPT_MT_METHOD)), verb_plot,
                 "FILE|ID [--svg]", "a picture of a protocol's timeline"},
                {"run", 0, 1,
                 BIT(OPT_JSON) | BIT(OPT_SUBJECT) | BIT(OPT_STIMULATOR) | BIT(OPT_OVERRIDE) | BIT(OPT_CONFIRM) |
                                 BIT(OPT_REST) | DOSE_OPTIONS,
                 verb_run,
                 "FILE|ID --mt % [--percent %] [--coil TYPE] [--subject CODE] [--confirm] [--override REASON], or: run "
                 "--rest SESSION",
                 "one treatment with live progress; ^C stops it at once"},
                {"take", 0, 1, BIT(OPT_JSON), verb_take, "[SESSION]",
                 "a treatment whose owner has left or does not answer: it is yours then, and r resumes it"},
                {"go", 0, 1, BIT(OPT_JSON) | BIT(OPT_INTENSITY), verb_go, "[SESSION] [--intensity %]",
                 "let the pulse go that waits for the operator"},
                {"pause", 0, 1, BIT(OPT_JSON) | BIT(OPT_NOW), verb_pause, "[SESSION] [--now]",
                 "at the end of the train, or at once"},
                {"resume", 0, 1, BIT(OPT_JSON), verb_resume, "[SESSION]", "go on after a pause"},
                {"stop", 0, 1, BIT(OPT_JSON), verb_stop, "[STIMULATOR]", "at once; anyone may"},
                {"session", 0, 1, BIT(OPT_JSON), verb_session, "[SESSION]",
                 "the sessions under way; audit show has those that have ended"},
                {"course", 0, 40, BIT(OPT_JSON), verb_course,
                 "[list] | show CODE | new CODE NAME=VALUE... | ACT CODE [NAME=VALUE...]",
                 "courses of treatment: what there are, one in full, and what is told of one"},
                {"events", 0, 0, BIT(OPT_JSON), verb_events, "", "follow every change until ^C"},
                {"latency", 0, 1, BIT(OPT_JSON), verb_latency, "[STIMULATOR]",
                 "how exact the last pulses were, and what would help"},
                {"clear-fault", 0, 1, BIT(OPT_JSON), verb_clear_fault, "[STIMULATOR]",
                 "after the cause of a fault has been mended"},
                {"audit verify", 0, 1, BIT(OPT_JSON) | BIT(OPT_KEY0) | BIT(OPT_SEAL) | BIT(OPT_LIVE), verb_audit_verify,
                 "[DIR] [--key0 FINGERPRINT] [--seal FILE] [--live]", "is the audit log what was written?"},
                {"audit show", 0, 0,
                 BIT(OPT_JSON) | BIT(OPT_DIR) | BIT(OPT_TYPE) | BIT(OPT_SESSION) | BIT(OPT_SINCE) | BIT(OPT_UNTIL) |
                                 BIT(OPT_LINES) | BIT(OPT_FULL),
                 verb_audit_show, "[--type GLOB] [--session ID] [--since TIME] [--until TIME] [--lines N] [--full]",
                 "the log's records, in sentences"},
                {"audit export", 1, 1, BIT(OPT_JSON) | BIT(OPT_DIR) | BIT(OPT_KEY0) | BIT(OPT_LIVE), verb_audit_export,
                 "DIR [--live]", "a verified copy of the log for someone elsewhere"},
                {"help", 0, 2, 0, verb_help, "[VERB]", "this, or one verb in full"},
                {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int verb_help(int argc, char **argv)
{
        return help_print(verbs, argc, argv);
}

/* If descriptor 0, 1 or 2 were closed, the next file or socket would get its number, and output would go there. */
static void fill_standard_files(void)
{
        int fd;

        for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        /* The wrong direction on purpose: reading from 0 or writing to 1 or 2 still fails. */
                        (void)open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_NOCTTY);
}

static int run(int argc, char **argv)
{
        const struct verb *v = &verbs[0];
        uint32_t given = 0;
        int words = 0, r;

        arguments_look_for_json(argc, argv);
        r = arguments_parse(argc, argv, &given);
        if (r >= 0)
                return r;
        argc -= optind;
        argv += optind;
        if (given & BIT(OPT_VERSION)) {
                if (opt.json)
                        return print_json(json_pack("{s:s}", "version", TMS_VERSION), STATUS_OK);
                puts("tmsctl " TMS_VERSION);
                return STATUS_OK;
        }
        if (argc > 0) {
                v = verb_find(verbs, argv[0], argc > 1 ? argv[1] : NULL);
                if (!v)
                        return verb_unknown(verbs, argv[0], argc > 1 ? argv[1] : NULL);
                words = strchr(v->name, ' ') ? 2 : 1;
        }
        if (given & BIT(OPT_HELP))
                return verb_help(words, argv);
        return verb_call(v, argc - words, argv + words, given);
}

int main(int argc, char **argv)
{
        fill_standard_files();
        (void)setlocale(LC_CTYPE, "");
        return out_end(run(argc, argv));
}
