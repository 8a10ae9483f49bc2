# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the harness's scripts share: the cache, locks, and a private apt.
#
# The private apt reads the machine's own Debian mirrors (and its proxy and
# other Acquire settings), and keeps its lists, its downloads and its
# configuration in the cache. It needs no root and never touches the machine's.
# Sourced by the scripts beside it, which have `set -eu` in force.

SUITE=bookworm
# Where the newest kernel that Debian offers comes from: this suite's backports.
# shellcheck disable=SC2034 # used by some of the scripts that source this
NEXT_SUITE=trixie
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/tmsd
VM_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # used by some of the scripts that source this
SRC_DIR=$(cd -- "$VM_DIR/../.." && pwd)
export PATH=$PATH:/usr/sbin:/sbin

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$@"
	exit 1
}

# lock NAME: one holder at a time, until the script ends.
lock() {
	local fd
	mkdir -p "$CACHE/lock"
	exec {fd}>"$CACHE/lock/$1"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $1"
		flock "$fd"
	fi
}

# hash_of FILE...: 12 hex digits that stand for the files' names and contents.
hash_of() {
	local f
	for f; do
		printf '%s\n' "${f##*/}"
		cat -- "$f"
	done | sha256sum | cut -c1-12
}

# quietly LOG COMMAND...: its output goes to LOG; on failure what went wrong is
# shown: the lines that say so, or else the last ones.
quietly() {
	local log=$1 from=1
	shift
	[ ! -s "$log" ] || from=$(($(wc -l <"$log") + 1))
	if ! "$@" >>"$log" 2>&1; then
		{
			tail -n "+$from" -- "$log" |
				grep -E -m20 '(^|[^a-z-])(error|ERROR|E):|undefined reference' ||
				tail -n 15 -- "$log"
		} | cut -c1-200 >&2
		die "failed: $* (all of it in $log)"
	fi
}

need() {
	local c missing=()
	for c; do
		command -v "$c" >/dev/null || missing+=("$c")
	done
	[ ${#missing[@]} -eq 0 ] ||
		die "not installed: ${missing[*]}; the packages are listed in tests/vm/packages: tests/deps vm installs them"
}

# debian_mirrors: "URI RELEASE" of the suite's repositories on each Debian mirror that this machine uses,
# whichever release of Debian the machine itself is.
debian_mirrors() {
	local targets
	# shellcheck disable=SC2016 # apt expands these
	targets=$(apt-get indextargets 'Created-By: Packages' \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)')
	# The origin is known only once the lists were fetched; without it the
	# release's and the component's names must do.
	awk -v s="$SUITE" -v own="$(. /etc/os-release && echo "${VERSION_CODENAME-}")" '
		$3 != "main" || !match($2, /^[a-z]+(-updates|-security)?$/) { next }
		{
			name = kind = $2
			sub(/-.*/, "", name)
			sub(/^[a-z]+/, "", kind)
		}
		NF >= 4 && $4 != "$(ORIGIN)" ? $4 == "Debian" : name == s || name == own || name == "stable" {
			if (!seen[$1 kind]++) print $1, s kind
		}' <<<"$targets"
}

# debian_sources KIND...: sources.list lines for the suite, its updates and its
# security archive; with "backports" among the kinds, for those as well.
debian_sources() {
	local kind uri release key=/usr/share/keyrings/debian-archive-keyring.gpg
	local mirrors
	mirrors=$(debian_mirrors)
	[ -n "$mirrors" ] ||
		die "no Debian mirror for $SUITE in apt's sources: expected one with component main"
	for kind; do
		while read -r uri release; do
			if [ "$kind" = backports ]; then
				[ "$release" = "$SUITE" ] || continue
				printf 'deb [signed-by=%s] %s %s-backports main\n' "$key" "$uri" "$SUITE"
			else
				printf '%s [signed-by=%s] %s %s main\n' "$kind" "$key" "$uri" "$release"
			fi
		done <<<"$mirrors"
	done
}

# debian_acquire: the machine's Acquire settings (proxy, retries...), apt.conf form.
debian_acquire() {
	apt-config dump --no-empty Acquire | grep -v '^Acquire::IndexTargets'
}

# private_apt NAME KIND...: makes the private apt called NAME, fresh to half a
# day, and points APT_CONFIG at it. About 10 s when it has to fetch the lists.
private_apt() {
	local dir=$CACHE/apt-$1
	shift
	need apt-get apt-config
	lock "${dir##*/}"
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/none"
	: >"$dir/status"
	debian_sources "$@" >"$dir/sources.list.new"
	{
		debian_acquire
		cat <<-END
			Dir::Etc::SourceList "$dir/sources.list";
			Dir::Etc::SourceParts "$dir/none";
			Dir::Etc::Main "/dev/null";
			Dir::Etc::Parts "$dir/none";
			Dir::Etc::Preferences "/dev/null";
			Dir::Etc::PreferencesParts "$dir/none";
			Dir::State "$dir";
			Dir::State::status "$dir/status";
			Dir::State::lists "$dir/lists";
			Dir::Cache "$dir";
			Dir::Cache::archives "$dir/archives";
			APT::Sandbox::User "";
			APT::Get::List-Cleanup "0";
			Debug::NoLocking "1";
		END
	} >"$dir/apt.conf"
	if ! cmp -s "$dir/sources.list.new" "$dir/sources.list" ||
		[ -z "$(find "$dir/fresh" -mmin -720 2>/dev/null)" ]; then
		mv "$dir/sources.list.new" "$dir/sources.list"
		say "fetching Debian's package lists (10 s)"
		APT_CONFIG=$dir/apt.conf quietly "$dir/log" apt-get update -q
		touch "$dir/fresh"
	fi
	export APT_CONFIG=$dir/apt.conf
}

# fetch_packages DIR PACKAGE[=VERSION]...: unpacks the packages' files into DIR.
fetch_packages() {
	local into=$1 tmp deb
	shift
	mkdir -p "$into"
	tmp=$(mktemp -d "$into.debs.XXXXXX")
	(cd "$tmp" && quietly "$tmp/log" apt-get download -q "$@")
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$into"
	done
	rm -rf "$tmp"
}
