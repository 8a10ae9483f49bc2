/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stimulator that the test plays; see fake-device.h. */
#include <errno.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake-device.h"

#define KEPT_WAIT_MS 60000 /* a busy computer is slow */

struct fake *fake;

struct tms_device {
        bool control;
        bool second;
        bool owned; /* the one that was opened, not a second object over its file */
        int fd;
        uint64_t next; /* seq */
};

static uint64_t now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void fake_new(void)
{
        pthread_mutexattr_t attr;

        fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (fake == MAP_FAILED)
                abort();
        (void)pthread_mutexattr_init(&attr);
        (void)pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
        (void)pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
        (void)pthread_mutex_init(&fake->lock, &attr);
        fake->present = true;
        fake->control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        fake->monitor_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        fake->second_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        fake->info = (struct tms_info){
                        .card_serial = 1001,
                        .coil_serial = 2000001,
                        .coil_type = TMS_COIL_TYPE_FIGURE8,
                        .max_permille = 1000,
                        .odometer = 500,
                        .firmware = 0x10203,
                        .records_since_ns = 1,
        };
        fake->status.coil_type = TMS_COIL_TYPE_FIGURE8;
        fake->status.coil_temp_mC = 22000;
        /* The kernel's numbers begin at 1. */
        fake->status.event_head = fake->acked = 1;
}

void fake_free(void)
{
        close(fake->control_fd);
        close(fake->monitor_fd);
        close(fake->second_fd);
        (void)munmap(fake, sizeof(*fake));
}

static void lock(void)
{
        if (pthread_mutex_lock(&fake->lock) == EOWNERDEAD)
                (void)pthread_mutex_consistent(&fake->lock);
}

static void unlock(void)
{
        (void)pthread_mutex_unlock(&fake->lock);
}

static void push(struct tms_event e)
{
        const uint64_t one = 1;

        e.seq = fake->status.event_head++;
        e.mono_ns = now();
        e.run = fake->status.run;
        fake->events[e.seq % FAKE_EVENTS] = e;
        (void)!write(fake->control_fd, &one, sizeof(one));
        (void)!write(fake->monitor_fd, &one, sizeof(one));
}

static void set_state(uint32_t state, uint32_t cause)
{
        uint32_t before = fake->status.state;

        if (state == TMS_STATE_BREAK && (before == TMS_STATE_RUNNING || before == TMS_STATE_PAUSED))
                fake->status.back_to = before;
        else if (state != TMS_STATE_BREAK && state != TMS_STATE_ARMING)
                fake->status.back_to = 0;
        if (state == TMS_STATE_BREAK)
                fake->go_pulse = UINT32_MAX;
        fake->status.state = state;
        fake->status.cause = cause;
        push((struct tms_event){.type = TMS_EVENT_STATE, .state = {.to = state, .from = before, .cause = cause}});
}

void fake_set_state(uint32_t state, uint32_t cause)
{
        lock();
        set_state(state, cause);
        unlock();
}

/* The time of a trigger is what its answer is known by. */
static void trigger(bool fires)
{
        fake->status.fired++;
        fake->info.odometer += fires;
        fake->triggered_ns = now();
        push((struct tms_event){.type = TMS_EVENT_PULSE_DUE,
                                .pulse = {.index = fake->status.next_pulse++,
                                          .triggered_ns = fake->triggered_ns,
                                          .outcome = TMS_PULSE_OUTCOME_TRIGGERED}});
}

static void answer(uint32_t code)
{
        fake->status.delivered += code == TMS_PULSE_OUTCOME_DELIVERED;
        push((struct tms_event){.type = TMS_EVENT_PULSE_ANSWER,
                                .pulse = {.index = fake->status.next_pulse - 1,
                                          .triggered_ns = fake->triggered_ns,
                                          .outcome = (uint16_t)code}});
}

void fake_trigger(bool fires)
{
        lock();
        trigger(fires);
        unlock();
}

void fake_answer(uint32_t code)
{
        lock();
        answer(code);
        unlock();
}

void fake_play(unsigned n)
{
        lock();
        while (n-- > 0) {
                trigger(true);
                answer(TMS_PULSE_OUTCOME_DELIVERED);
        }
        unlock();
}

void fake_play_kept(unsigned n)
{
        bool kept = false;
        unsigned waited;

        fake_play(n);
        for (waited = 0; !kept && waited < KEPT_WAIT_MS; waited += 5) {
                lock();
                kept = fake->acked == fake->status.event_head;
                unlock();
                usleep(5000);
        }
        if (!kept)
                abort();
}

void fake_miss(unsigned n)
{
        lock();
        while (n-- > 0) {
                fake->status.missed++;
                push((struct tms_event){
                                .type = TMS_EVENT_PULSE_DUE,
                                .pulse = {.index = fake->status.next_pulse++, .outcome = TMS_PULSE_OUTCOME_LATE}});
        }
        unlock();
}

void fake_unplug(void)
{
        const uint64_t one = 1;

        lock();
        fake->present = false;
        (void)!write(fake->control_fd, &one, sizeof(one));
        (void)!write(fake->monitor_fd, &one, sizeof(one));
        unlock();
}

void fake_plug(void)
{
        uint64_t count;

        lock();
        (void)!read(fake->control_fd, &count, sizeof(count));
        (void)!read(fake->monitor_fd, &count, sizeof(count));
        fake->present = true;
        unlock();
}

void fake_open_interlocks(uint32_t bits)
{
        lock();
        fake->status.interlocks = bits;
        fake->status.latched |= bits;
        if (bits & TMS_INTERLOCK_COIL_ABSENT)
                fake->status.coil_type = TMS_COIL_TYPE_NONE;
        push((struct tms_event){.type = TMS_EVENT_INTERLOCK,
                                .interlock = {.live = bits, .latched = fake->status.latched}});
        if (bits & TMS_INTERLOCK_COIL_ABSENT && fake->status.state == TMS_STATE_LOADED) {
                fake->status.timeline_gen = 0;
                set_state(TMS_STATE_IDLE, TMS_CAUSE_CHANGED);
        } else if (fake->status.state >= TMS_STATE_ARMING && fake->status.state <= TMS_STATE_PAUSED) {
                set_state(TMS_STATE_FAULT, TMS_CAUSE_EMERGENCY_STOP);
        }
        unlock();
}

void fake_controller_died(void)
{
        lock();
        fake->has_controller = false;
        fake->status.timeline_gen = 0;
        if (fake->status.state != TMS_STATE_IDLE)
                set_state(TMS_STATE_IDLE, TMS_CAUSE_CLOSED);
        unlock();
}

bool fake_freeze(pid_t child)
{
        bool stopped;

        lock();
        stopped = kill(child, SIGSTOP) == 0 && waitpid(child, NULL, WUNTRACED) == child;
        unlock();
        return stopped;
}

uint64_t fake_head(void)
{
        uint64_t head;

        lock();
        head = fake->status.event_head;
        unlock();
        return head;
}

/* --- What must be on disk by now --------------------------------------------------------- */

/* Has the log that text so often, in all its segments? */
__thread int fake_looks;

/* How often segment n has it, up to times; false: there is no such segment. */
static bool look_into_segment(unsigned n, const char *text, unsigned *times)
{
        char path[512], *buf, *at;
        FILE *f;
        long size;

        (void)snprintf(path, sizeof(path), n > 0 ? "%s/log-%06u.jsonl" : "%s/log.jsonl", fake->audit, n);
        f = fopen(path, "re");
        if (!f)
                return false;
        (void)fseek(f, 0, SEEK_END);
        size = ftell(f);
        rewind(f);
        buf = calloc(1, (size_t)size + 1);
        if (fread(buf, 1, (size_t)size, f) == (size_t)size)
                for (at = buf; *times > 0 && (at = strstr(at, text)); at++)
                        (*times)--;
        (void)fclose(f);
        free(buf);
        return true;
}

static bool log_has_it(const char *text, unsigned times)
{
        unsigned n = 0;

        if (!*fake->audit)
                return true;
        while (times > 0 && look_into_segment(n, text, &times))
                n++;
        return times == 0;
}

static bool log_has(const char *text, unsigned times)
{
        bool has;

        fake_looks++;
        has = log_has_it(text, times);
        fake_looks--;
        return has;
}

/* A record that is acknowledged stands in some pulse file, or was never one of a session. */
static bool pulse_files_have_it(uint64_t seq)
{
        char command[640], line[64] = "";
        FILE *f;

        if (!*fake->audit)
                return true;
        (void)snprintf(command, sizeof(command), "cat %s/pulses/*.tsv | grep -c '^%llu\t'", fake->audit,
                       (unsigned long long)seq);
        f = popen(command, "r");
        if (!f || !fgets(line, sizeof(line), f))
                line[0] = '0';
        if (f)
                (void)pclose(f);
        return atoi(line) > 0;
}

static bool pulse_files_have(uint64_t seq)
{
        bool has;

        fake_looks++;
        has = pulse_files_have_it(seq);
        fake_looks--;
        return has;
}

/* --- The library's calls -------------------------------------------------------------------- */

int tms_enumerate(int (*found)(const char *node, void *userdata), void *userdata)
{
        int r = fake && fake->present ? found("/dev/tms0", userdata) : 0;

        return r >= 0 && fake && fake->second ? found("/dev/tms1", userdata) : r;
}

int tms_device_open(const char *node, bool control, struct tms_device **ret)
{
        struct tms_device *d;

        if (fake && fake->second && strcmp(node, "/dev/tms1") == 0) {
                d = calloc(1, sizeof(*d));
                *d = (struct tms_device){.second = true, .owned = true, .fd = fake->second_fd};
                *ret = d;
                return 0;
        }
        if (!fake || !fake->present)
                return -ENODEV;
        if (fake->open_error)
                return fake->open_error;
        lock();
        if (control && (fake->has_controller || fake->controlled_elsewhere)) {
                unlock();
                return -EBUSY;
        }
        d = calloc(1, sizeof(*d));
        if (!d) {
                unlock();
                return -ENOMEM;
        }
        d->control = control;
        d->owned = true;
        d->fd = control ? fake->control_fd : fake->monitor_fd;
        d->next = fake->acked;
        fake->files++;
        if (control) {
                const uint64_t one = 1;

                fake->has_controller = true;
                fake->opens++;
                (void)!write(fake->control_fd, &one, sizeof(one));
        }
        unlock();
        *ret = d;
        return 0;
}

int tms_device_open_fd(int fd, struct tms_device **ret)
{
        struct tms_device *d = calloc(1, sizeof(*d));

        if (!d)
                return -ENOMEM;
        d->control = true;
        d->fd = fd;
        *ret = d;
        return 0;
}

struct tms_device *tms_device_close(struct tms_device *d)
{
        if (!d)
                return NULL;
        if (!d->owned)
                close(d->fd);
        else if (d->control && !d->second)
                fake_controller_died();
        lock();
        if (d->owned && !d->second)
                fake->files--;
        unlock();
        free(d);
        return NULL;
}

int tms_device_fd(const struct tms_device *d)
{
        return d->fd;
}

int tms_device_info(struct tms_device *d, struct tms_info *ret)
{
        if (!fake->present)
                return -ENODEV;
        if (fake->info_error)
                return fake->info_error;
        lock();
        *ret = fake->info;
        if (d->second)
                ret->card_serial = 2002;
        unlock();
        return 0;
}

int tms_device_status(struct tms_device *d, struct tms_status *ret)
{
        if (!fake->present)
                return -ENODEV;
        lock();
        *ret = fake->status;
        if (d->second)
                *ret = (struct tms_status){
                                .coil_type = TMS_COIL_TYPE_FIGURE8, .state = TMS_STATE_LOADED, .timeline_gen = 7};
        ret->event_acked = d->second ? 0 : fake->acked;
        ret->mono_ns = now();
        ret->end_ns = ret->mono_ns + 5000000000ULL;
        unlock();
        return 0;
}

int tms_device_limits(struct tms_device *d, const struct tms_limits *limits)
{
        if (d->second)
                return 0;
        if (fake->limits_error)
                return fake->limits_error;
        lock();
        fake->limits = *limits;
        fake->status.timeline_gen = 0;
        if (fake->status.state == TMS_STATE_LOADED)
                set_state(TMS_STATE_IDLE, TMS_CAUSE_CHANGED);
        unlock();
        return 0;
}

static void keep_loaded(struct tms_loaded *l, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                        uint32_t gen)
{
        *l = (struct tms_loaded){
                        .timeline_gen = gen, .count = count, .pulse_size = sizeof(*pulses), .waveform = waveform};
        (void)SHA256((const unsigned char *)pulses, count * sizeof(*pulses), l->digest);
        if (fake->load_flips)
                l->digest[17] ^= 8;
}

int tms_device_load_rest(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                         uint32_t lateness_ns, uint32_t first_pulse, uint32_t first_train, uint32_t *ret_gen,
                         struct tms_verdict *ret_verdict)
{
        if (d->second) {
                *ret_gen = 7;
                keep_loaded(&fake->loaded[1], pulses, count, waveform, 7);
                return 0;
        }
        if (fake->load_error) {
                *ret_verdict = (struct tms_verdict){
                                .rule = TMS_RULE_INTENSITY, .pulse = 3, .limit = 500, .actual = 700};
                return fake->load_error;
        }
        lock();
        fake->loads++;
        fake->status.pulses = count;
        fake->waveform = waveform;
        keep_loaded(&fake->loaded[0], pulses, count, waveform, fake->loads);
        fake->loaded[0].first_pulse = fake->status.next_pulse = first_pulse;
        fake->loaded[0].first_train = fake->status.train = first_train;
        *ret_gen = fake->status.timeline_gen = fake->loads;
        set_state(TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
        unlock();
        return 0;
}

int tms_device_load(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                    uint32_t lateness_ns, uint32_t *ret_gen, struct tms_verdict *ret_verdict)
{
        return tms_device_load_rest(d, pulses, count, waveform, lateness_ns, 0, 0, ret_gen, ret_verdict);
}

int tms_device_loaded(struct tms_device *d, struct tms_loaded *ret)
{
        if (fake->loaded_error)
                return fake->loaded_error;
        *ret = fake->loaded[d->second];
        return 0;
}

void tms_device_why(const struct tms_device *d, struct tms_why *ret)
{
        *ret = fake->why;
}

int tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns)
{
        int waited;

        if (fake->arm_error) {
                fake->status.cause = TMS_CAUSE_UNFIT;
                fake->status.fitness_max_ns = 54321;
                return fake->arm_error;
        }
        for (waited = 0; waited < fake->arm_late_ms; waited += 10)
                usleep(10000);
        lock();
        fake->arms++;
        if (!log_has("session.arm.intent", fake->arms))
                fake->arms_without_intent++;
        set_state(TMS_STATE_ARMING, TMS_CAUSE_REQUEST);
        unlock();
        for (waited = 0; waited < fake->arm_ms; waited += 10) {
                usleep(10000);
                if (fake->status.state != TMS_STATE_ARMING)
                        return -EPROTO;
        }
        lock();
        if (fake->status.back_to == TMS_STATE_RUNNING && fake->status.due_ns && fake->status.due_ns < now())
                set_state(TMS_STATE_PAUSED, TMS_CAUSE_ARMED_LATE);
        else
                set_state(fake->status.back_to ? fake->status.back_to : TMS_STATE_ARMED, TMS_CAUSE_REQUEST);
        unlock();
        fake->status.fitness_max_ns = 47;
        *ret_fitness_max_ns = 47;
        return 0;
}

int tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns, uint32_t *ret_run,
                     struct tms_verdict *ret_verdict)
{
        if (fake->start_error) {
                fake->status.interlocks |= fake->opens_then;
                *ret_verdict = (struct tms_verdict){
                                .rule = TMS_RULE_PULSES_PER_DAY, .pulse = 9, .limit = 1, .actual = 2};
                return fake->start_error;
        }
        lock();
        fake->starts++;
        if (!log_has("session.start.intent", 1))
                fake->starts_without_intent++;
        fake->go_pulse = UINT32_MAX;
        *ret_run = ++fake->status.run;
        fake->start_delay_ns = delay_ns;
        *ret_start_ns = now() + delay_ns;
        set_state(TMS_STATE_RUNNING, TMS_CAUSE_REQUEST);
        unlock();
        return 0;
}

int tms_device_go(struct tms_device *d, uint32_t pulse, uint32_t intensity_permille)
{
        int r = fake->go_error;

        lock();
        if (r == 0 && fake->status.state != TMS_STATE_RUNNING)
                r = fake->status.state == TMS_STATE_BREAK ? -ESHUTDOWN : -EPROTO;
        if (r == 0 && (pulse != fake->status.next_pulse || pulse == fake->go_pulse))
                r = -ESTALE;
        if (r == 0) {
                fake->gos++;
                if (!log_has("session.go.intent", fake->gos))
                        fake->gos_without_intent++;
                fake->go_pulse = pulse;
                fake->go_permille = intensity_permille;
        }
        unlock();
        return r;
}

int tms_device_pause(struct tms_device *d, bool at_once)
{
        int r = -EPROTO;

        lock();
        if (fake->status.state == TMS_STATE_RUNNING) {
                fake->pauses++;
                if (at_once || !fake->pause_waits) {
                        /* What was let go has to be said again. */
                        fake->go_pulse = UINT32_MAX;
                        set_state(TMS_STATE_PAUSED, TMS_CAUSE_REQUEST);
                }
                r = 0;
        } else if (fake->status.back_to == TMS_STATE_RUNNING) {
                fake->pauses++;
                fake->status.back_to = TMS_STATE_PAUSED;
                if (fake->status.state == TMS_STATE_BREAK)
                        set_state(TMS_STATE_BREAK, TMS_CAUSE_REQUEST);
                r = 0;
        }
        unlock();
        return r;
}

int tms_device_resume(struct tms_device *d, uint64_t delay_ns, uint64_t *ret_start_ns)
{
        if (fake->resume_error)
                return fake->resume_error;
        lock();
        if (fake->status.state == TMS_STATE_BREAK) {
                unlock();
                return -ESHUTDOWN;
        }
        fake->resumes++;
        *ret_start_ns = now() + delay_ns;
        set_state(TMS_STATE_RUNNING, TMS_CAUSE_REQUEST);
        unlock();
        return 0;
}

int tms_device_stop(struct tms_device *d)
{
        if (d->second)
                return 0;
        if (!fake->present)
                return -ENODEV;
        if (fake->stop_error)
                return fake->stop_error;
        lock();
        fake->stops++;
        if ((fake->status.state >= TMS_STATE_ARMING && fake->status.state <= TMS_STATE_PAUSED) ||
            fake->status.state == TMS_STATE_BREAK)
                set_state(TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
        unlock();
        return 0;
}

int tms_device_disarm(struct tms_device *d)
{
        return tms_device_stop(d);
}

int tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns)
{
        int r = 0;

        if (d->second)
                return 0;
        if (!fake->present)
                return -ENODEV;
        lock();
        fake->keepalives++;
        if (fake->stale) {
                r = -ESTALE;
        } else if (acked_seq > d->next) {
                r = -ESTALE;
        } else if (acked_seq > fake->acked) {
                if (!pulse_files_have(acked_seq - 1))
                        fake->acks_before_disk++;
                fake->acked = acked_seq;
        }
        unlock();
        return r;
}

int tms_device_clear_fault(struct tms_device *d)
{
        int r = 0;

        lock();
        if (fake->status.state != TMS_STATE_FAULT)
                r = -EPROTO;
        else if (fake->status.interlocks)
                r = -EPERM;
        if (r == 0) {
                fake->clears++;
                fake->status.latched = 0;
                set_state(TMS_STATE_IDLE, TMS_CAUSE_REQUEST);
        }
        unlock();
        return r;
}

int tms_device_latency(struct tms_device *d, struct tms_latency *ret)
{
        if (fake->latency_error)
                return fake->latency_error;
        *ret = (struct tms_latency){.run = 3, .count = 2, .max_ns = 17};
        ret->bucket[5] = 2;
        return 0;
}

int tms_device_read_events(struct tms_device *d, struct tms_event *events, size_t max)
{
        uint64_t count;
        size_t n = 0;

        if (d->second)
                return 0;
        if (!fake->present)
                return -ENODEV;
        lock();
        while (n < max && d->next < fake->status.event_head)
                events[n++] = fake->events[d->next++ % FAKE_EVENTS];
        if (d->next == fake->status.event_head)
                (void)!read(d->fd, &count, sizeof(count));
        unlock();
        return (int)n;
}
