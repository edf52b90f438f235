#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make install and uninstall, below DESTDIR; and where configure puts what the
# system looks for in one place only, with several prefixes.
: "${srcdir:?}" "${MAKE:=make}"
unset DESTDIR MAKEFLAGS MFLAGS MAKELEVEL
build=$(pwd)
top=$(cd "$srcdir" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vk-install-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
n=0

# check TEXT: what the file "wrong" has in it is what is wrong
check()
{
    n=$((n + 1))
    if [ -s "$work/wrong" ]; then
        echo "not ok $n - $1"
        sed 's/^/# # /' "$work/wrong"
    else
        echo "ok $n - $1"
    fi
}

files_of()
{
    (cd "$1" && find . ! -type d | sed 's/^\.//' | sort)
}

# Our directories had nothing but what goes.  (The prefix can be called so.)
dirs_of()
{
    find "$1" -type d -name 'valetkey*' -empty
}

make_quietly()
{
    "$MAKE" "$@" >"$work/log" 2>&1 || cat "$work/log" >>"$work/wrong"
}

# Somebody else's file beside each of ours
: >"$work/wrong"
make_quietly -C "$build" install DESTDIR="$work/root"
find "$work/root" -type d ! -name 'valetkey*' ! -path '*/valetkey/*' \
    -exec touch {}/theirs \;
files_of "$work/root" | grep '/theirs$' >"$work/before"
files_of "$work/root" >"$work/installed"
for part in bin/valetkey request-key.d/valetkey.conf sysusers.d/valetkey.conf \
    system/valetkey-credentials.socket user/valetkey-credentials@.service \
    valetkey/valetkey-upcall man8/valetkey-upcall.8; do
    grep -q "/$part\$" "$work/installed" || echo "no $part" >>"$work/wrong"
done
grep -rl '@[a-z]*@' "$work/root"/etc "$work/root"/*/lib/systemd \
    >>"$work/wrong" 2>/dev/null
# What they point to is beside them.
for page in $(find "$work/root" \( -path '*/man?/*' -o -name README.md \) \
    -exec grep -oh 'docs/[a-z/-]*\.md' {} + | sort -u); do
    grep -q "/doc/valetkey/$page\$" "$work/installed" ||
        echo "no $page, which is pointed to" >>"$work/wrong"
done
check "make install: all parts are there"

: >"$work/wrong"
make_quietly -C "$build" uninstall DESTDIR="$work/root"
files_of "$work/root" | diff "$work/before" - >>"$work/wrong"
dirs_of "$work/root" >>"$work/wrong"
check "make uninstall: all is gone, what is others' is not"

# configured ARGUMENT...: what would be installed outside of the programs
configured()
{
    rm -rf "$work/other" "$work/root"
    mkdir "$work/other" "$work/root"
    : >"$work/wrong"
    (cd "$work/other" && "$top/configure" -q \
        --cache-file="$work/config.cache" "$@") >"$work/log" 2>&1 ||
        cat "$work/log" >>"$work/wrong"
    make_quietly -C "$work/other" install-data DESTDIR="$work/root"
    files_of "$work/root" >"$work/installed"
}

expect()
{
    for path; do
        grep -qx "$path" "$work/installed" ||
            echo "not there: $path" >>"$work/wrong"
    done
}

expect_program()
{
    grep -q "[[:space:]]$1/valetkey-upcall %k\$" \
        "$work/root/etc/request-key.d/valetkey.conf" 2>/dev/null ||
        echo "the rule does not name $1" >>"$work/wrong"
}

expect_pam()
{
    module=$(grep '/pam_valetkey\.so$' "$work/installed") || return 0
    dir=${module%/*}
    [ -f "$dir/pam_permit.so" ] ||
        echo "PAM has no modules in $dir" >>"$work/wrong"
    [ ! -d /usr/share/pam-configs ] || expect /usr/share/pam-configs/valetkey
}

configured
expect /etc/request-key.d/valetkey.conf \
    /usr/local/lib/sysusers.d/valetkey.conf \
    /usr/local/lib/systemd/system/valetkey-credentials.socket
expect_program /usr/local/libexec/valetkey
expect_pam
check "the default prefix: all is where the system looks for it"

configured --prefix=/usr --sysconfdir=/etc
expect /etc/request-key.d/valetkey.conf /usr/lib/sysusers.d/valetkey.conf \
    /usr/lib/systemd/system/valetkey-credentials.socket
expect_program /usr/libexec/valetkey
expect_pam
grep -v '^/usr/\|^/etc/request-key.d/\|/pam_valetkey.so$' \
    "$work/installed" >>"$work/wrong"
check "--prefix=/usr: all is where the system looks for it"

configured --prefix=/opt/some
grep -v '^/opt/some/' "$work/installed" >>"$work/wrong"
check "another prefix: nothing outside of it"
echo "1..$n"
