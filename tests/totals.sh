# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a stage of the tests has counted. Sourced by the bash scripts that run stages.
#
# A stage is a command that runs tests. It has to say how many in its closing line: a line that ends in
#
#	N passed, N failed
#
# and has nothing else in it, or a name that a space ends ("unit: 512 passed, 0 failed"). The last such line of a stage's output
# counts; earlier ones are those of its parts, and only the words of a make that the stage failed under may come later. A stage
# ends with another status than 0 when a test failed.

# stage_totals LOG STATUS: sets stage_passed and stage_failed to what the stage has counted that has written LOG and ended with
# STATUS. A stage without a closing line, or one that failed and counted no failure, is one failure more; then it returns 1.
stage_totals() {
	local line
	stage_passed=0 stage_failed=0
	line=$(grep -oE '(^| )[0-9]+ passed, [0-9]+ failed$' "$1" | tail -n 1)
	[ -z "$line" ] || read -r stage_passed _ stage_failed _ <<<"$line"
	if [ -z "$line" ] || { [ "$2" -ne 0 ] && [ "$stage_failed" -eq 0 ]; }; then
		stage_failed=$((stage_failed + 1))
		return 1
	fi
}
