# SPDX-License-Identifier: GPL-2.0-or-later
# What the shell scripts share: messages, where the cache is, and one way to call apt that touches nobody's
# configuration. Sourced with $root set to the top of the repository.
#
# Invariant: standard output belongs to the caller's result; everything for the eye goes to standard error.

say() {
    printf '  %-9s %s\n' "$1" "$2" >&2
}

note() {
    printf '  %-9s %s\n' note "$*" >&2
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The cache outlives the tree: tarballs, packages, the guest kernel.
case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/mtrace ;;
*)  cache=${HOME:-/root}/.cache/mtrace ;;
esac

sha256_of() {
    sha256sum "$1" | cut -d' ' -f1
}

# pin_rows STATUS: the rows of QEMU-PIN with that status ("any" for all).
pin_rows() {
    awk -v want="$1" '!/^#/ && NF >= 4 && (want == "any" || $4 == want)' "$root/QEMU-PIN"
}

os_field() {
    sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release 2>/dev/null
}

# A private apt: its own lists, archives and sources.list below the cache; keys, proxies and mirrors are the
# machine's. $suite and $kind ("deb" or "deb-src") choose the directory.
apt_options() {
    printf '%s\n' "Dir::Etc::sourcelist=$1/sources.list" Dir::Etc::sourceparts=/dev/null \
        "Dir::State=$1/state" "Dir::Cache=$1/cache" Dir::State::status=/dev/null \
        APT::Sandbox::User=root Acquire::Languages=none Acquire::Retries=3 \
        Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
        Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
}

# apt_private DIR TOOL ARGUMENT...: runs apt-get or apt-cache on the private state in DIR.
apt_private() {
    apt_dir=$1
    apt_tool=$2
    shift 2
    for apt_option in $(apt_options "$apt_dir"); do
        set -- -o "$apt_option" "$@"
    done
    "$apt_tool" "$@"
}

# apt_mirrors: "main URI" and "security URI" lines, from the sources that the machine already uses.
apt_mirrors() {
    command -v apt-get >/dev/null || return 1
    apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Component: main' 2>/dev/null |
    awk -v code="$(os_field VERSION_CODENAME)" '
        { kind = "" }
        $1 == code || $1 ~ /^(oldoldstable|oldstable|stable|testing|unstable|sid)$/ { kind = "main" }
        $1 ~ /-security$/ { kind = "security" }
        kind != "" && !(kind in seen) { seen[kind] = 1; print kind, $2 }'
}

# apt_suite SUITE KIND: makes the private state of one suite current (once an hour) and prints its directory.
apt_suite() {
    case $1 in
    *-security) suite_class=security ;;
    *)          suite_class=main ;;
    esac
    suite_uri=$(apt_mirrors | awk -v c="$suite_class" '$1 == c { print $2; exit }')
    [ -n "$suite_uri" ] || return 1
    suite_dir=$cache/apt/$1.$2
    if [ -n "$(find "$suite_dir/updated" -mmin -60 2>/dev/null)" ]; then
        printf '%s\n' "$suite_dir"
        return 0
    fi
    mkdir -p "$suite_dir/state/lists/partial" "$suite_dir/cache/archives/partial"
    suite_keys=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ -r "$suite_keys" ]; then
        echo "$2 [signed-by=$suite_keys] $suite_uri $1 main"
    else
        echo "$2 $suite_uri $1 main"
    fi > "$suite_dir/sources.list"
    say APT "reading the index of $1 ($2)"
    apt_private "$suite_dir" apt-get -qq update >"$suite_dir/log" 2>&1 || return 1
    touch "$suite_dir/updated"
    printf '%s\n' "$suite_dir"
}

# fetch_deb PACKAGE SUITE...: downloads PACKAGE into the cache from the first suite that has it; prints the file.
fetch_deb() {
    deb_name=$1
    shift
    mkdir -p "$cache"
    for deb_suite in "$@"; do
        deb_state=$(apt_suite "$deb_suite" deb) || continue
        apt_private "$deb_state" apt-cache show "$deb_name" >/dev/null 2>&1 || continue
        deb_temp=$(mktemp -d "$cache/fetch.XXXXXX")
        say FETCH "$deb_name from $deb_suite"
        if (cd "$deb_temp" && apt_private "$deb_state" apt-get -qq download "$deb_name") >"$deb_state/log" 2>&1; then
            deb_file=$(cd "$deb_temp" && echo *.deb)
            mv -f "$deb_temp/$deb_file" "$cache/$deb_file"
            rmdir "$deb_temp"
            printf '%s\n' "$cache/$deb_file"
            return 0
        fi
        rm -rf "$deb_temp"
    done
    return 1
}
