#!/bin/sh
# Installs Strokebox's service from the folder that this lies in: users, folders, units. Run it as root, and again after
# an update: what is there already stays, settings and data above all. `--no-start` only installs.
# With DESTDIR, all goes below that folder and nothing is started.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(dirname "$here")
root=${DESTDIR:-}
units="$root/etc/systemd/system"
start=yes

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

say() {
    echo "install.sh: $1"
}

for word in "$@"; do
    case $word in
    --no-start) start=no ;;
    --help | -h)
        sed -n '2,/^set /s/^# //p' "$0"
        exit 0
        ;;
    *) fail "there is no option $word; there are --no-start and --help" ;;
    esac
done

[ "$(id -u)" = 0 ] || fail "run it as root: it makes users"
[ -x "$program/.venv/bin/strokebox" ] || fail "there is no $program/.venv/bin/strokebox; run \`make demo\` in $program first"
if [ -z "$root" ]; then
    case $program/ in
    /home/* | /root/* | /tmp/* | /run/* | /var/tmp/*)
        fail "the units see nothing of $program; unpack to /opt/strokebox and install from there"
        ;;
    esac
fi
case $program in
*[!A-Za-z0-9._/-]*) fail "$program: let the path have letters, digits, '.', '_' and '-' only" ;;
esac

say "units: $units"
mkdir -p "$units" "$root/etc/sysusers.d" "$root/etc/tmpfiles.d" "$root/etc/strokebox"
for unit in "$here"/strokebox*.service "$here"/strokebox*.path "$here"/strokebox*.timer "$here"/strokebox*.target \
    "$here"/strokebox*.slice; do
    sed "s|/opt/strokebox/|$program/|g" "$unit" >"$units/.strokebox.new"
    chmod 0644 "$units/.strokebox.new"
    mv "$units/.strokebox.new" "$units/$(basename "$unit")"
done

# An earlier version started it with the target.
rm -f "$units/strokebox.target.wants/strokebox-engines.service"

say "users and groups: strokebox, strokebox-engines, strokebox-upload, strokebox-results"
install -m 0644 "$here/sysusers.conf" "$root/etc/sysusers.d/strokebox.conf"
systemd-sysusers --root="$root/" strokebox.conf

# Below another root the lists of access rights can't be made: they are for users of this machine.
say "folders: /srv/strokebox/inbox, /srv/strokebox/results, /var/lib/strokebox, /var/lib/strokebox-engines"
install -m 0644 "$here/tmpfiles.conf" "$root/etc/tmpfiles.d/strokebox.conf"
systemd-tmpfiles --root="$root/" --create strokebox.conf

if [ -e "$root/etc/strokebox/strokebox.toml" ]; then
    say "settings: /etc/strokebox/strokebox.toml stays as it is"
else
    say "settings: /etc/strokebox/strokebox.toml, from the example"
    install -m 0644 "$here/strokebox.toml" "$root/etc/strokebox/strokebox.toml"
fi

command="$root/usr/local/bin/strokebox"
if [ -e "$command" ] && [ ! -L "$command" ]; then
    say "command: $command is somebody else's and stays; ours is $program/.venv/bin/strokebox"
else
    say "command: $command"
    mkdir -p "$(dirname "$command")"
    ln -sfn "$program/.venv/bin/strokebox" "$command"
fi

if [ -n "$root" ]; then
    say "nothing is started: all this is below $root"
    exit 0
fi
runuser -u strokebox -- "$program/.venv/bin/strokebox" --version >/dev/null \
    || fail "the user strokebox can't run $program/.venv/bin/strokebox; is its Python in somebody's home?"
systemctl daemon-reload
systemctl enable --quiet strokebox.target strokebox-intake.service strokebox-worker.service \
    strokebox-engines.path strokebox-engines.timer strokebox-retention.timer
if [ "$start" = yes ]; then
    say "starting; what runs already starts anew"
    systemctl restart --no-block strokebox.target # the worker may build plans for up to an hour before it is ready
    say "done; the worker is ready once its engines are loaded, which takes up to an hour where a GPU needs new plans"
    say "to follow it: systemctl status 'strokebox*', journalctl -f -u strokebox-intake -u strokebox-worker"
else
    say "done. To start: systemctl start --no-block strokebox.target"
fi
