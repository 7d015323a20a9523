# What fetches packages and sources from Debian's archive into folders, with apt's own checks of
# signatures, without touching the system. For scripts that have `die` and `say`, and `suite`.
#
# shellcheck shell=bash disable=SC2154

# Reads what the archive has, once, into a folder.
archive_lists() {
    [[ -z ${apt_at:-} ]] || return 0
    apt_at=$1
    mkdir -p "$apt_at"/{state,lists/partial,cache/archives/partial}
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg at kind
    [[ -e $keys ]] || die "$keys is missing; install debian-archive-keyring"
    at=$(mirror)
    : >"$apt_at/state/status"
    for kind in deb deb-src; do
        echo "$kind [signed-by=$keys] $at $suite main"
    done >"$apt_at/sources.list"
    say "reading what Debian $suite has"
    apt update
}

mirror() {
    if [[ -n ${WALI_DEBIAN_MIRROR:-} ]]; then
        printf '%s' "$WALI_DEBIAN_MIRROR"
        return
    fi
    local uri
    # shellcheck disable=SC2016
    uri=$(LC_ALL=C apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        grep -m 1 -E '/debian/?$') ||
        die "no archive of Debian's is among this system's apt sources; set WALI_DEBIAN_MIRROR"
    printf '%s' "$uri"
}

apt() {
    local at=$apt_at
    LC_ALL=C apt-get -qq -o Dir::Etc::SourceList="$at/sources.list" \
        -o Dir::Etc::SourceParts=- -o Dir::State="$at/state" -o Dir::State::Lists="$at/lists" \
        -o Dir::State::status="$at/state/status" -o Dir::Cache="$at/cache" \
        -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Retries=2 "$@" ||
        die "apt-get $* failed: is Debian's archive reachable, and is there room in $at?" \
            "What is done is kept; run it again to go on."
}

