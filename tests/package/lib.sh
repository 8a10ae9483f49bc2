# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of installing share: checks that count, and their closing line. Sourced.

passed=0 failed=0

not_ok() {
	failed=$((failed + 1))
	printf 'not ok - %s\n' "$1"
	printf '%s\n' "$2" | sed 's/^/    /'
}

# is NAME EXPECTED ACTUAL
is() {
	if [ "$2" = "$3" ]; then passed=$((passed + 1)); else not_ok "$1" "expected '$2', got '$3'"; fi
}

# has NAME PATTERN ACTUAL
has() {
	# shellcheck disable=SC2053 # a pattern
	if [[ $3 == $2 || $3 == *$'\n'$2 ]]; then passed=$((passed + 1)); else not_ok "$1" "expected something like '$2', got '$3'"; fi
}

has_not() {
	# shellcheck disable=SC2053 # a pattern
	if [[ $3 != $2 ]]; then passed=$((passed + 1)); else not_ok "$1" "expected nothing like '$2', got '$3'"; fi
}

# there FILE...
there() {
	local f
	for f; do
		if [ -e "$f" ]; then passed=$((passed + 1)); else not_ok "there is $f" "there is not"; fi
	done
}

totals() {
	echo "package: $passed passed, $failed failed"
	[ $failed -eq 0 ] && [ $passed -gt 0 ]
}
