/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtms - stimulators, protocols, safety verdicts and audit logs
 *
 * The library never logs, never exits, never prints and owns no event loop.
 * Calls return 0 or a negative errno. On failure only the tms_error is written,
 * and no other out-parameter: it then contains one sentence that says what is
 * wrong, where, and what was expected. Objects belong to one thread at a time.
 *
 * Times are nanoseconds (_ns), intensities 0.1 % of maximum stimulator
 * output (_permille), percentages of a motor threshold 0.1 % (_permille_mt).
 */
#ifndef TMS_LIB_H
#define TMS_LIB_H

#include <linux/tms.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Errors ---------------------------------------------------------------- */

/* One sentence about what went wrong. Initialise it with zeros. file and key may be empty; line 0: no place. */
struct tms_error {
        char file[256];
        unsigned line, column; /* from 1 */
        char key[96];          /* dotted path in a protocol file, such as "pattern.train.pulses" */
        char message[512];     /* what is wrong and what was expected */
};

/* "file:line:column: key: message", without the parts that are not known. Returns buf. */
const char *tms_error_format(const struct tms_error *e, char *buf, size_t size);

/* What a person can do about an errno (positive); to be printed after strerror() and "; ". Never NULL. */
const char *tms_errno_step(int err);

/*
 * Changes a text in place so that D-Bus and JSON accept it, for one that was cut or came from a file. An
 * incomplete character at its end is removed. Each other byte that is not UTF-8, or belongs to a surrogate
 * or a noncharacter, becomes '?'. The text never gets longer. Returns text.
 */
char *tms_text_repair(char *text);

/*
 * The same for a text that is shown in one line. A character also becomes '?' if it steers a terminal,
 * ends a line, turns the direction of writing, cannot be seen or has no agreed form. The texts of a
 * tms_error have been changed like this already.
 */
char *tms_text_line(char *text);

/* --- Devices ---------------------------------------------------------------- */

struct tms_device;

/* Calls found() with the device node of each stimulator, until it returns non-zero; returns that. Uses libudev. */
int tms_enumerate(int (*found)(const char *node, void *userdata), void *userdata);

/*
 * control: open as the controller, of which there can be one (-EBUSY); else as a monitor. -EAGAIN: the card is being reset,
 * or sleeps.
 */
int tms_device_open(const char *node, bool control, struct tms_device **ret);
/* For a device node that is open already, such as one from a service manager. On success *ret owns fd. */
int tms_device_open_fd(int fd, struct tms_device **ret);
struct tms_device *tms_device_close(struct tms_device *d); /* returns NULL, takes NULL */
int tms_device_fd(const struct tms_device *d);             /* for poll(); non-blocking */

int tms_device_info(struct tms_device *d, struct tms_info *ret);
int tms_device_status(struct tms_device *d, struct tms_status *ret);
int tms_device_limits(struct tms_device *d, const struct tms_limits *limits);
/* The limits as they were set, and how many pulses were fired under them. All zero: none are set. */
int tms_device_get_limits(struct tms_device *d, struct tms_limits *ret);
/* -ERANGE or -EINVAL with *ret_verdict filled when the kernel's verifier refuses. */
int tms_device_load(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                    uint32_t lateness_ns, uint32_t *ret_gen, struct tms_verdict *ret_verdict);
/*
 * The same for the rest of a whole (tms_timeline_rest()): records, status and go count pulses and trains as the whole
 * does. -EOPNOTSUPP: the driver is older and cannot; -EINVAL: there is no such whole.
 */
int tms_device_load_rest(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                         uint32_t lateness_ns, uint32_t first_pulse, uint32_t first_train, uint32_t *ret_gen,
                         struct tms_verdict *ret_verdict);
/* Which timeline is loaded, with the SHA-256 of its pulses. timeline_gen 0: none is. */
int tms_device_loaded(struct tms_device *d, struct tms_loaded *ret);
int tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns);
int tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns, uint32_t *ret_run,
                     struct tms_verdict *ret_verdict);
int tms_device_go(struct tms_device *d, uint32_t pulse, uint32_t intensity_permille);
int tms_device_pause(struct tms_device *d, bool now);
int tms_device_resume(struct tms_device *d, uint64_t delay_ns, uint64_t *ret_start_ns);
int tms_device_stop(struct tms_device *d);
int tms_device_disarm(struct tms_device *d);
int tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns);
int tms_device_clear_fault(struct tms_device *d);
int tms_device_latency(struct tms_device *d, struct tms_latency *ret);
/*
 * Why the last call on this object was refused, as far as the errno does not say it: TMS_REASON_*, and how long to wait.
 * All zero after a call that was not refused, and after info, status, latency, get_limits, loaded, stop.
 */
void tms_device_why(const struct tms_device *d, struct tms_why *ret);
/* Reads up to max records; returns their number, 0 when none wait, or a negative errno. */
int tms_device_read_events(struct tms_device *d, struct tms_event *events, size_t max);

/* Names for codes: "running", "lease", "coil_absent", "late"… never NULL. */
const char *tms_state_name(uint32_t state);
const char *tms_cause_name(uint32_t cause);
const char *tms_cause_sentence(uint32_t cause); /* plain language, for people */
const char *tms_interlock_name(unsigned bit);   /* 0..8: "emergency_stop"… */
const char *tms_interlock_sentence(unsigned bit);
const char *tms_event_type_name(uint32_t type);
const char *tms_outcome_name(uint32_t outcome);
const char *tms_reason_name(uint32_t reason);
const char *tms_reason_sentence(uint32_t reason); /* why a call was refused, and what to do, for people */
const char *tms_rule_name(uint32_t rule);
const char *tms_coil_name(uint32_t coil_type); /* "figure-8"… as in protocol files */
/* One sentence about a refusal by the verifier, such as "pulse 41: …". Returns buf. */
const char *tms_verdict_format(const struct tms_verdict *v, char *buf, size_t size);

/* --- Protocols ---------------------------------------------------------------- */

struct tms_protocol;

#define TMS_PROTOCOL_SIZE_MAX (256 * 1024) /* bytes of a protocol file */

/* The words that kinds of threshold, references of an intensity and methods go by. */
#define TMS_KIND_RMT "rMT"
#define TMS_KIND_AMT "aMT"
#define TMS_REFERENCE_MSO "MSO"
#define TMS_METHOD_EMG "EMG"
#define TMS_METHOD_VISUAL "visual"
#define TMS_ANY_COIL "any" /* a protocol may say this; a stimulator never does */

#define TMS_LEGS_MAX 4           /* parts of one session with their own target and pattern */
#define TMS_TIME_NONE UINT64_MAX /* a time that a pattern does not have */

/*
 * Reads a file of at most TMS_PROTOCOL_SIZE_MAX bytes that a person has written
 * for a program. By the rules for protocol files it refuses what is not UTF-8,
 * tabs and other control characters, what changes the direction of writing,
 * what cannot be seen, and blanks other than the plain space. name: for the
 * error. *ret is malloc'd and ends with a zero that *ret_size does not count.
 */
int tms_text_read(int fd, const char *name, char **ret, size_t *ret_size, struct tms_error *error);

/* name: for error messages. text need not end with a NUL. */
int tms_protocol_parse(const char *name, const char *text, size_t size, struct tms_protocol **ret,
                       struct tms_error *error);
int tms_protocol_load(const char *path, struct tms_protocol **ret, struct tms_error *error);
struct tms_protocol *tms_protocol_free(struct tms_protocol *p);

/*
 * An installed protocol by id: /etc/tmsd/protocols first, then
 * /usr/share/tmsd/protocols. TMS_PROTOCOL_PATH in the environment (folders
 * with colons between them; ignored in setuid programs) replaces the two.
 */
int tms_protocol_find(const char *id, struct tms_protocol **ret, struct tms_error *error);
/*
 * Calls found() for every installed file. For a file that is refused, p is NULL
 * and error says why. path is for people: tms_text_line() has changed it.
 * Returns a negative errno when it cannot be known what is installed: no memory,
 * no file descriptor, a folder or a disk that cannot be read.
 */
int tms_protocol_foreach(int (*found)(const char *path, struct tms_protocol *p, const struct tms_error *error,
                                      void *userdata),
                         void *userdata);
/*
 * A stamp to tell whether the installed files are still the same. It changes
 * with every file that is added, removed, replaced or edited in place; no file
 * is read. Returns 1; 0 when a file has changed within the last seconds, so
 * that it may change once more without another stamp; or a negative errno.
 */
int tms_protocol_stamp(char ret[65]);

const char *tms_protocol_id(const struct tms_protocol *p);
const char *tms_protocol_title(const struct tms_protocol *p);
const char *tms_protocol_indication(const struct tms_protocol *p);
const char *tms_protocol_target(const struct tms_protocol *p);
const char *tms_protocol_coil(const struct tms_protocol *p);
const char *tms_protocol_status(const struct tms_protocol *p);                 /* "cleared", "published", "research" */
const char *tms_protocol_sha256(const struct tms_protocol *p);                 /* of the file's bytes, 64 hex digits */
const char *tms_protocol_text(const struct tms_protocol *p, size_t *ret_size); /* the file's bytes */
const char *tms_protocol_reference(const struct tms_protocol *p);              /* "rMT", "aMT" or "MSO" */
uint32_t tms_protocol_percent_permille(const struct tms_protocol *p);          /* of the reference, the default */
uint32_t tms_protocol_highest_permille(const struct tms_protocol *p);          /* in its sources; 0.1 % */
uint32_t tms_protocol_pulses(const struct tms_protocol *p);
uint32_t tms_protocol_trains(const struct tms_protocol *p);
uint64_t tms_protocol_first_to_last_ns(const struct tms_protocol *p);
uint64_t tms_protocol_cycle_total_ns(const struct tms_protocol *p); /* trains x cycle */
/* The pattern in words, several lines, both readings of the inter-train interval. malloc'd. */
int tms_protocol_describe(const struct tms_protocol *p, char **ret);
const char *tms_protocol_waveform(const struct tms_protocol *p); /* "biphasic", "monophasic" or "halfsine" */
const char *tms_protocol_notes(const struct tms_protocol *p);    /* may be "" */
bool tms_protocol_verified(const struct tms_protocol *p);        /* every citation was checked against its source */

size_t tms_protocol_legs(const struct tms_protocol *p);                      /* 1..TMS_LEGS_MAX */
const char *tms_protocol_leg_name(const struct tms_protocol *p, size_t leg); /* "" if there is only one leg */
const char *tms_protocol_leg_target(const struct tms_protocol *p, size_t leg);

/* The figures that people quote, in every meaning in use. TMS_TIME_NONE: the pattern has no such time. */
struct tms_readings {
        uint32_t pulses, trains;
        uint32_t pulses_per_train;       /* 0 when legs differ */
        uint64_t train_ns;               /* units x their interval, the last interval included */
        uint64_t train_span_ns;          /* first to last pulse of a train */
        uint64_t cycle_ns;               /* onset to onset of trains */
        uint64_t iti_ns;                 /* from the end of a train to the next: cycle_ns - train_ns */
        uint64_t iti_last_to_first_ns;   /* last pulse to next first pulse: cycle_ns - train_span_ns */
        uint64_t cycle_total_ns;         /* trains x cycle */
        uint64_t without_last_iti_ns;    /* the same without the pause after the last train */
        uint64_t first_to_last_ns;       /* first to last pulse */
        uint64_t last_to_first_total_ns; /* first to last pulse on a device that counts iti_ns from the last pulse */
};

/* leg SIZE_MAX: the whole protocol. */
int tms_protocol_readings(const struct tms_protocol *p, size_t leg, struct tms_readings *ret);

/* The course that a protocol is usually given in. 0: its file does not say. */
struct tms_course_defaults {
        uint32_t sessions, sessions_per_day, days_per_week, weeks;
        uint32_t taper[16]; /* sessions in each week after the course */
        uint32_t taper_weeks;
        uint64_t min_gap_ns; /* onset to onset of two sessions of a day */
};

void tms_protocol_course(const struct tms_protocol *p, struct tms_course_defaults *ret);
const char *tms_protocol_maintenance(const struct tms_protocol *p); /* in words, may be "" */

struct tms_citation {
        const char *text;     /* where it was published or cleared */
        const char *supports; /* which numbers it stands for */
        const char *basis;    /* "source", "code", "calculation" or "general-knowledge" */
        bool verified;
};

size_t tms_protocol_citations(const struct tms_protocol *p);
int tms_protocol_citation(const struct tms_protocol *p, size_t index, struct tms_citation *ret);

/* --- Dose and timeline -------------------------------------------------------- */

/* The dose of one person: measured motor thresholds, and the percentage to give. */
struct tms_dose {
        uint32_t threshold_permille;       /* 0.1 %MSO, 1..1000; 0 only for protocols in %MSO */
        char threshold_kind[8];            /* "rMT" or "aMT"; "": a protocol in %MSO, and no second threshold */
        char threshold_coil[16];           /* the coil type that it was measured with */
        uint32_t percent_permille;         /* of the reference, 0.1 %; 0 = the protocol's own */
        uint32_t other_threshold_permille; /* of the other kind, for a protocol that uses both; 0 = not measured */
        uint32_t leg_threshold_permille[TMS_LEGS_MAX]; /* a leg's own; 0 = threshold_permille */
        char threshold_method[16];                     /* "EMG", "visual" (seen twitches) or "" when not known */
        /*
         * If a measured threshold was adjusted (for the depth of the target), the pulses are calculated from the
         * adjusted one; 0 = not adjusted. The safety policy judges by the lower of the two. An adjusted threshold
         * without the measured one is refused.
         */
        uint32_t adjusted_threshold_permille;         /* of threshold_permille */
        uint32_t leg_adjusted_permille[TMS_LEGS_MAX]; /* a leg's own; the common one is not for a leg's own threshold */
        char adjustment[128];                         /* how and by whom, for the record */
};

struct tms_timeline {
        struct tms_pulse *pulses;
        uint32_t count;
        uint32_t trains;
        uint32_t max_permille;
        uint32_t waveform; /* TMS_LOAD_*, for tms_device_load() */
};

int tms_compile(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *ret,
                struct tms_error *error);
void tms_timeline_clear(struct tms_timeline *t);

/*
 * What is left of a timeline, whole, that was not played to its end. behind: the
 * number of its pulses that are over, 0..whole->count: each that was given, that
 * may have been given, or that was left out is before this one, whatever became of
 * those between them (next_pulse of struct tms_pulse_counts). The rest begins with
 * the first pulse of a burst, the first that has none of them: in their train, if
 * that has such a burst, else with the next train. So a burst or a pair that was
 * begun is not repeated, and what was missed is not made up.
 *
 * *ret has its own copy of the pulses, at the same distances, in ns, with the same
 * intensities, flags and conditions; its first pulse is at 0 and its trains count
 * from 0. *ret_first_pulse and *ret_first_train: the index in the whole of its
 * first pulse and of that one's train, for tms_device_load_rest(). Each of the
 * three may be NULL.
 *
 * -EINVAL: behind is more than whole->count, or whole has no pulse; -ENODATA:
 * nothing is left; -ENOMEM.
 */
int tms_timeline_rest(const struct tms_timeline *whole, uint32_t behind, struct tms_timeline *ret,
                      uint32_t *ret_first_pulse, uint32_t *ret_first_train);

/*
 * The session's limits. They do not come from the compiled timeline, so that
 * the kernel notices a mistake in one of the two: pulses and duration are the
 * protocol's stated totals, the intensity follows from the dose, the shortest
 * interval and the most pulses in a second follow from the pattern's levels.
 */
int tms_session_limits(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_limits *ret,
                       struct tms_error *error);

/*
 * What the kernel would say of the timeline on this card; it is the same
 * verifier, in user space. info NULL: the reference card.
 */
int tms_timeline_check(const struct tms_timeline *t, const struct tms_info *info, const struct tms_limits *limits,
                       struct tms_verdict *ret_verdict);

/*
 * Can this dose be played? Compiles it and checks the timeline. -ERANGE: it
 * cannot; the error's sentence names the pulse, the rule, and the highest
 * percentage that can be played. info NULL: the reference card.
 */
int tms_dose_check(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_info *info,
                   struct tms_error *error);
/* The highest percentage that can be played, in 0.1 % of the reference, at most the dose's. -ERANGE: there is none. */
int tms_dose_highest(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_info *info,
                     uint32_t *ret_percent_permille, struct tms_error *error);

/* --- Clinical safety policy --------------------------------------------------- */

enum tms_safety_class {
        TMS_SAFETY_ALLOWED,  /* exit status 0 */
        TMS_SAFETY_NOTICE,   /* to be confirmed, such as a listed protocol outside a table; 0 */
        TMS_SAFETY_OVERRIDE, /* needs a prescriber's override with a reason; 3 */
        TMS_SAFETY_NEVER,    /* 4 */
};

struct tms_safety_reason {
        enum tms_safety_class class_;
        char layer[16]; /* "ceiling", "allow-list", "table", "threshold"; tms_safety_verdict() also "card" */
        char table[48]; /* "rossi2009_max_train_s"… or "" */
        char row[24], column[24];
        char limit[48], actual[48];
        char source[96];
        char sentence[1280]; /* for people */
};

struct tms_safety {
        enum tms_safety_class class_;
        size_t n_reasons;
        struct tms_safety_reason reasons[32];
        bool measuring; /* the session's pulses count as measuring and not as treatment */
};

/* What the subject was given in the last 24 hours. A pulse of which it is not known whether it was given counts. */
struct tms_today {
        uint32_t treatment; /* pulses of treatments */
        uint32_t measuring; /* pulses of sessions whose verdict had "measuring" */
        char whose[896];    /* a sentence about whose pulses they are and when they were given; may be "" */
};

/*
 * The policy's verdict. today: what the subject was given, NULL: nothing. Reads
 * the site's list of approved files: /etc/tmsd/approved, or what TMS_APPROVED in
 * the environment names (ignored in setuid programs).
 */
int tms_safety_check(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_today *today,
                     struct tms_safety *ret, struct tms_error *error);
/*
 * The verdict of the policy and of the stimulator together. As
 * tms_safety_check(), but a dose that cannot be played is not an error: the
 * class is "never", and after the policy's reasons there is one of the layer
 * "card", which no other reason has. Its table is the rule ("intensity",
 * "settling", "coil_heat" and so on, see tms_rule_name()), limit and actual are
 * in words ("100.0 %MSO", "114.0 %MSO"), and its sentence ends with the highest
 * percentage that can be played, if there is one. info NULL: the reference card.
 *
 * There is an error, and no verdict, for a threshold of the wrong kind or coil,
 * for an impossible one, and if the list of approved files cannot be read.
 */
int tms_safety_verdict(const struct tms_protocol *p, const struct tms_dose *dose, const struct tms_today *today,
                       const struct tms_info *info, struct tms_safety *ret, struct tms_error *error);
const char *tms_safety_class_name(enum tms_safety_class c); /* "allowed", "notice", "override", "never" */

/* --- Motor threshold ----------------------------------------------------------- */

/*
 * A hunt for the motor threshold with single pulses. Until it is done, the
 * caller asks for the next intensity, fires that pulse no earlier than told,
 * and reports whether the muscle answered.
 */
enum tms_threshold_method {
        TMS_THRESHOLD_RELATIVE,    /* lowest intensity with 5 answers of 10 */
        TMS_THRESHOLD_MILLS_NITHI, /* mean of the highest with 0 of 10 and the lowest with 10 of 10 */
        TMS_THRESHOLD_ML_PEST,     /* maximum likelihood with lapses, and a confidence interval */
};

#define TMS_THRESHOLD_GAP_NS 5000000000ULL /* between two pulses, at least */

struct tms_threshold_options {
        enum tms_threshold_method method;
        uint32_t start_permille;     /* 0: the method's own */
        uint32_t step_permille;      /* 0: 10, that is 1 %MSO; for Mills-Nithi 20 */
        uint32_t max_permille;       /* 0: 1000; no stronger pulse is asked for */
        uint32_t max_pulses;         /* 0: 20 for ML-PEST, else 200 */
        uint32_t precision_permille; /* ML-PEST: done when the interval is within +- this of the estimate; 0: not used */
};

/*
 * Only ML-PEST has an interval. It rests on two assumptions that nobody has
 * measured in this muscle: answers spread about the threshold by
 * spread_permille of it (the sigma of a normal distribution), and
 * lapse_permille of the answers are reported wrong, in either direction.
 *
 * The interval is no safety margin. If both assumptions are true it contains
 * the threshold of 95 in 100 synthetic subjects; if 5 % of the answers are
 * wrong, of 90; if the spread is 3.5, 14 or 20 % instead of 7 %, of 99, 68 or
 * 49. After a row of wrong answers at the beginning (an electrode that is off)
 * there is no estimate. After six answers of one kind in the middle of the
 * hunt, whatever the muscle did, 17 of 100 hunts have no estimate, and 2 of 100
 * estimates are wrong by more than 20 %.
 */
struct tms_threshold_estimate {
        uint32_t threshold_permille;          /* 0.1 %MSO */
        uint32_t low_permille, high_permille; /* 95 % confidence interval; 0: the method has none */
        uint32_t spread_permille;             /* what the interval assumes; 0: there is none */
        uint32_t lapse_permille;
        uint32_t pulses;
};

struct tms_threshold;

int tms_threshold_new(const struct tms_threshold_options *options, struct tms_threshold **ret);
struct tms_threshold *tms_threshold_free(struct tms_threshold *t);
bool tms_threshold_done(const struct tms_threshold *t);
/* The pulse may be fired from *ret_not_before_ns on, by the caller's clock; 0: now. -EALREADY: it is done. */
int tms_threshold_next(struct tms_threshold *t, uint32_t *ret_permille, uint64_t *ret_not_before_ns);
/*
 * Reports when the pulse was fired, and whether the muscle answered. -EPROTO: no
 * pulse was asked for; -ETIME: it was fired too early, and does not count.
 */
int tms_threshold_answer(struct tms_threshold *t, uint64_t fired_ns, bool response);
/*
 * The estimate. ML-PEST has one during the hunt, as soon as near it (within
 * 14 %) at least two pulses were answered and two not, and the answered ones
 * do not all come before or all after the others. Further off than 14 %, an
 * unexpected answer is rather a lapse than due to the muscle's spread. The
 * other methods have an estimate at the end of the hunt.
 *
 * -EAGAIN: there is no estimate yet. -ENODATA: the hunt has ended without one,
 * because its pulses are used up, because all pulses were answered or none
 * was, with ML-PEST because all of one kind came before all of the other, or
 * with Mills-Nithi because ten answers in ten need more than max_permille.
 * -ERANGE: the threshold is known to be above max_permille. After these, error,
 * which may be NULL, says why and what to do.
 */
int tms_threshold_estimate(const struct tms_threshold *t, struct tms_threshold_estimate *ret, struct tms_error *error);

/* --- Audit --------------------------------------------------------------------- */

/* The result of verifying an audit log; see AUDIT.md. */
enum tms_audit_result {
        TMS_AUDIT_VERIFIED, /* whole, as an anchor of the caller shows */
        TMS_AUDIT_PREFIX,   /* consistent, but without an anchor: records at its end may be missing */
        TMS_AUDIT_TORN,     /* consistent up to a torn last line */
        TMS_AUDIT_TAMPERED, /* a hash, signature, count or file does not match */
        TMS_AUDIT_LOST,     /* shorter than an anchor or the signing key shows: loss or tampering */
};

struct tms_audit_report {
        enum tms_audit_result result;
        uint64_t records, seals, sessions, pulses_delivered;
        uint64_t bad_segment; /* the log's file in which bad_line is: 0 log.jsonl, 1 log-000001.jsonl */
        uint64_t bad_line;    /* the first line that is wrong; 0: none */
        uint64_t segment;     /* the last file; the two below are of that one */
        uint64_t good_bytes;  /* up to the end of its last whole line */
        uint64_t torn_bytes;  /* after good_bytes */
        char head[65];        /* hash of the last good record */
        char key0[65];        /* raw public key 0, "" before the first record */
        char next_public[65]; /* raw public key whose private half must sign the next seal */
        char key0_fingerprint[65];
        char sentence[512];
};

/* The anchors that the caller has kept off the machine; any may be NULL. */
struct tms_audit_anchor {
        const char *key0_fingerprint; /* SHA-256 of key 0's raw public key, 64 hex digits */
        const char *seal;             /* the line of a seal record */
        const char *nonce;            /* the log must end with a seal over this nonce (live verify); not "" */
};

/*
 * -EINVAL: the anchor is malformed. After any other failure it is not known
 * whether the log is good or bad: something could not be read (no descriptor,
 * no memory, no permission, a disk error).
 */
int tms_audit_verify(const char *dir, const struct tms_audit_anchor *anchor, struct tms_audit_report *ret,
                     struct tms_error *error);
/*
 * The same without an anchor, for the log's writer, which has locked the open
 * directory dir_fd. record() is called once for each record in order, with its
 * line as it stands in the log, which is valid during the call; a negative
 * return value ends the reading and is returned. It is called before it is
 * known whether the rest of the log is good, and whether the record's pulse
 * file is. Without a file of a log there are no records. ret_position, which
 * may be NULL: the log's end, behind its last whole line; for the writer, see
 * lib/audit/position.h.
 */
struct tms_audit_position;
int tms_audit_read(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                   void *userdata, struct tms_audit_report *ret, struct tms_audit_position *ret_position,
                   struct tms_error *error);
/* Calls record() with each line of all files, in order; line counts on over them. Checks nothing. */
int tms_audit_foreach(const char *dir, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                      void *userdata, struct tms_error *error);

/*
 * For what is derived from a log and follows it: reads the log on from a record
 * that the caller has already.
 */
struct tms_audit_record; /* valid during the call that gives it */

/* Where a record's line is. */
struct tms_audit_place {
        uint64_t segment;      /* its number; 0: log.jsonl */
        uint64_t offset, size; /* of the line in that file, its end included */
        uint64_t seq;
        char sha256[65]; /* of the line without its end */
};

bool tms_audit_record_is(const struct tms_audit_record *record, const char *type);
uint64_t tms_audit_record_seq(const struct tms_audit_record *record);
uint64_t tms_audit_record_utc_ns(const struct tms_audit_record *record); /* since 1970; 0: its utc is no time */
/* Of data. False: it has no such key, its value is of another kind, or buf has no room for all of it. */
bool tms_audit_record_text(const struct tms_audit_record *record, const char *key, char *buf, size_t size);
bool tms_audit_record_number(const struct tms_audit_record *record, const char *key, uint64_t *ret);
bool tms_audit_record_true(const struct tms_audit_record *record, const char *key);
int tms_audit_record_place(const struct tms_audit_record *record, struct tms_audit_place *ret); /* 0 or -ENOMEM */

/*
 * Calls record() with each record behind after (NULL: from the first that is
 * there) and before record until, all of which must be there. Any other return value than 0 ends
 * the reading and is returned. -ESTALE: the log does not have the record after at
 * its place, so it is another log or was shortened. -EBADMSG: a line is no
 * record, or not the one that is due. Nothing else is checked.
 */
int tms_audit_read_on(int dir_fd, const struct tms_audit_place *after, uint64_t until,
                      int (*record)(const struct tms_audit_record *record, void *userdata), void *userdata,
                      struct tms_error *error);

/* The lines of a pulse file; see AUDIT.md. */
#define TMS_PULSE_COLUMNS 28
#define TMS_PULSE_COLUMNS_1 12 /* of the files of daemons that wrote logs of format 1 */

struct tms_pulse_counts {
        unsigned columns;     /* which of these the first line has; 0: that line is not read yet */
        uint64_t lines;       /* without the first */
        uint64_t pulse_lines; /* triggers and answers among them */
        uint64_t delivered, missed;
        uint64_t unknown;    /* triggers to which the lines have no answer of the card */
        bool waiting;        /* the last trigger is one of these, and its answer may follow */
        uint64_t trigger_ns; /* triggered_ns of that one */
        uint64_t last_seq;   /* of the newest record; valid if lines > 0 */
        /*
         * The index behind the last pulse that was given, that has to be taken to have been given, or that was left
         * out or came too late: there the rest of its timeline begins. before: what it was before the last trigger.
         */
        uint32_t next_pulse, before;
};

/* What is counted of a line. */
struct tms_pulse_values {
        uint64_t seq, type, index, triggered_ns, outcome;
};

/* The first line, with its end; columns: TMS_PULSE_COLUMNS*. */
const char *tms_pulse_head(unsigned columns);
/* Counts a line with these values. */
void tms_pulse_count(struct tms_pulse_counts *c, const struct tms_pulse_values *v);
/*
 * Counts a line; line includes its line feed. The first one of a file gives the columns, and must be a head.
 * -EBADMSG: it is no line of such a pulse file, and c was not changed.
 */
int tms_pulse_line(struct tms_pulse_counts *c, const char *line, size_t size);

#ifdef __cplusplus
}
#endif
#endif
