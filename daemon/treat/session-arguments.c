/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a caller gives to Prepare; see session-arguments.h. */
#include "session-arguments.h"
#include "session.h"

/* May the text go into the log? It must not be empty, and must be one line of characters that can be seen. */
static bool is_reason(const char *text)
{
        _cleanup_(freep) char *line = strdup(text);

        return line && STREQ(tms_text_line(line), text) && text[strspn(text, " ")];
}

static bool is_adjusted(const struct tms_dose *dose)
{
        bool adjusted = dose->adjusted_threshold_permille > 0;
        size_t i;

        for (i = 0; i < TMS_LEGS_MAX; i++)
                adjusted = adjusted || dose->leg_adjusted_permille[i] > 0;
        return adjusted;
}

static bool has_threshold(const struct tms_dose *dose)
{
        size_t i;

        for (i = 0; i < TMS_LEGS_MAX; i++) {
                if (dose->leg_threshold_permille[i] > 0)
                        return true;
        }
        return dose->threshold_permille > 0 || dose->other_threshold_permille > 0;
}

static bool read_legs(struct request *q, sd_bus_message *m, const char *key, uint32_t ret[static TMS_LEGS_MAX])
{
        const uint32_t *legs;
        size_t size;

        if (sd_bus_message_enter_container(m, 'v', "au") < 0 ||
            sd_bus_message_read_array(m, 'u', (const void **)&legs, &size) < 0 ||
            sd_bus_message_exit_container(m) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "Parameter %s cannot be read; expected is 'au'.", key);
                return false;
        }
        if (size > TMS_LEGS_MAX * sizeof(*legs)) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "%s has %zu thresholds; a protocol has %d legs at most: give one for each leg.", key,
                               size / sizeof(*legs), TMS_LEGS_MAX);
                return false;
        }
        memcpy(ret, legs, size);
        return true;
}

/* Refuses q when it returns false. */
static bool read_parameter(struct request *q, sd_bus_message *m, struct given *given, struct prepare_arguments *a)
{
        struct tms_dose *dose = &a->dose;
        const struct {
                const char *key;
                uint32_t *number;
                char *text;
                size_t size;
        } known[] = {
                        {"threshold_permille", &dose->threshold_permille, NULL, 0},
                        {"percent_permille", &dose->percent_permille, NULL, 0},
                        {"other_threshold_permille", &dose->other_threshold_permille, NULL, 0},
                        {"threshold_kind", NULL, dose->threshold_kind, sizeof(dose->threshold_kind)},
                        {"threshold_coil", NULL, dose->threshold_coil, sizeof(dose->threshold_coil)},
                        {"adjusted_threshold_permille", &dose->adjusted_threshold_permille, NULL, 0},
                        {"adjustment", NULL, dose->adjustment, sizeof(dose->adjustment)},
                        {"threshold_method", NULL, dose->threshold_method, sizeof(dose->threshold_method)},
                        {"override_reason", NULL, a->override_reason, sizeof(a->override_reason)},
        };
        const char *key, *type, *text;
        char quote[QUOTE_SIZE];
        size_t i = 0;

        if (sd_bus_message_read(m, "s", &key) < 0 || sd_bus_message_peek_type(m, NULL, &type) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The parameters cannot be read; expected is a{sv}.");
                return false;
        }
        if (!request_given_once(q, given, "Parameter", key))
                return false;
        if (STREQ(key, "leg_thresholds_permille"))
                return read_legs(q, m, key, dose->leg_threshold_permille);
        if (STREQ(key, "leg_adjusted_thresholds_permille"))
                return read_legs(q, m, key, dose->leg_adjusted_permille);
        while (i < ELEMENTS(known) && !STREQ(key, known[i].key))
                i++;
        if (i == ELEMENTS(known)) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "Unknown parameter '%s'; known are threshold_permille, threshold_kind, "
                               "threshold_coil, threshold_method, percent_permille, other_threshold_permille, "
                               "leg_thresholds_permille, adjusted_threshold_permille, "
                               "leg_adjusted_thresholds_permille, adjustment and override_reason.",
                               request_quote(key, quote));
                return false;
        }
        if (known[i].number ? sd_bus_message_read(m, "v", "u", known[i].number) < 0
                            : sd_bus_message_read(m, "v", "s", &text) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "Parameter %s has type '%s'; expected is '%s'.", key,
                               request_quote(type, quote), known[i].number ? "u" : "s");
                return false;
        }
        if (known[i].text && (size_t)snprintf(known[i].text, known[i].size, "%s", text) >= known[i].size) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "Parameter %s is too long: it has %zu bytes, and at most %zu are taken: shorten it.",
                               key, strlen(text), known[i].size - 1);
                return false;
        }
        if (known[i].text == a->override_reason && !is_reason(text)) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "An override wants its reason in words, in one line.");
                return false;
        }
        if (known[i].text == dose->adjustment && !is_reason(text)) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "adjustment wants in words, in one line, how and by whom the threshold was adjusted.");
                return false;
        }
        return true;
}

bool prepare_arguments_read(struct request *q, struct prepare_arguments *a)
{
        sd_bus_message *m = request_message(q);
        struct given given = {0};
        char quote[QUOTE_SIZE];
        int r;

        if (sd_bus_message_read(m, "ss", &a->name, &a->text) < 0 ||
            sd_bus_message_enter_container(m, 'a', "{sv}") < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The arguments cannot be read; expected are ssa{sv}.");
                return false;
        }
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                if (!read_parameter(q, m, &given, a))
                        return false;
                if (sd_bus_message_exit_container(m) < 0)
                        break;
        }
        if (r < 0 || sd_bus_message_exit_container(m) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The parameters cannot be read; expected is a{sv}.");
                return false;
        }
        if (*a->dose.threshold_method && !STREQ(a->dose.threshold_method, "EMG") &&
            !STREQ(a->dose.threshold_method, "visual")) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "threshold_method is '%s'; expected EMG or visual.",
                               a->dose.threshold_method);
                return false;
        }
        /*
         * A threshold depends on the coil that it was measured with, and the protocol does not say which coil that was.
         */
        if (has_threshold(&a->dose) && !*a->dose.threshold_coil) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "A threshold counts only for the type of coil that it was measured with; say which "
                               "that was (threshold_coil, or tmsctl's --coil).");
                return false;
        }
        if (is_adjusted(&a->dose) != (*a->dose.adjustment != '\0')) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "%s",
                               *a->dose.adjustment
                                               ? "adjustment says how a threshold was adjusted, and no adjusted one is "
                                                 "given: give it (adjusted_threshold_permille, or tmsctl's "
                                                 "--adjusted-mt)."
                                               : "An adjusted threshold wants on record how and by whom it was "
                                                 "adjusted (adjustment, or tmsctl's --adjustment).");
                return false;
        }
        if (strlen(a->text) > TMS_PROTOCOL_SIZE_MAX) {
                request_refuse(q, ERROR_INVALID_PROTOCOL, "%s: the file is larger than %d bytes: give a smaller one.",
                               request_quote(a->name, quote), TMS_PROTOCOL_SIZE_MAX);
                return false;
        }
        return true;
}

bool session_prepare_overrides(sd_bus_message *m)
{
        bool found = false;
        const char *key;

        if (sd_bus_message_skip(m, "ss") >= 0 && sd_bus_message_enter_container(m, 'a', "{sv}") >= 0) {
                while (!found && sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                        if (sd_bus_message_read(m, "s", &key) < 0)
                                break;
                        found = STREQ(key, "override_reason");
                        if (sd_bus_message_skip(m, "v") < 0 || sd_bus_message_exit_container(m) < 0)
                                break;
                }
        }
        (void)sd_bus_message_rewind(m, true);
        return found;
}

/* --- For the record ------------------------------------------------------------------------- */

void json_append(json_t **array, json_t *value)
{
        if (!*array)
                json_decref(value);
        else if (json_array_append_new(*array, value) < 0) {
                json_decref(*array);
                *array = NULL;
        }
}

/* Adds nothing if no leg has a value of its own. */
static void describe_legs(json_t **data, const char *key, const uint32_t legs_permille[static TMS_LEGS_MAX])
{
        json_t *legs = json_array();
        size_t i, n = 0;

        for (i = 0; i < TMS_LEGS_MAX; i++) {
                json_append(&legs, json_integer(legs_permille[i]));
                n += legs_permille[i] > 0;
        }
        if (n > 0)
                json_add(data, key, legs);
        else
                json_decref(legs);
}

void dose_describe(json_t **data, const struct tms_dose *dose)
{
        if (dose->other_threshold_permille > 0)
                json_add(data, "other_threshold_permille", json_integer(dose->other_threshold_permille));
        if (*dose->threshold_method)
                json_add(data, "threshold_method", json_string(dose->threshold_method));
        describe_legs(data, "leg_thresholds_permille", dose->leg_threshold_permille);
        if (dose->adjusted_threshold_permille > 0)
                json_add(data, "adjusted_threshold_permille", json_integer(dose->adjusted_threshold_permille));
        describe_legs(data, "leg_adjusted_thresholds_permille", dose->leg_adjusted_permille);
        if (*dose->adjustment)
                json_add(data, "adjustment", json_string(dose->adjustment));
}
