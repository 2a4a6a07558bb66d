#!/bin/sh
# Stops Strokebox's service and removes its units. Settings, keys, results, studies, engines and users stay, unless told
# otherwise: `--delete-data` removes them too, for good. Run it as root. With DESTDIR, it works below that folder.
set -eu

root=${DESTDIR:-}
units="$root/etc/systemd/system"
data=stays

fail() {
    echo "uninstall.sh: $1" >&2
    exit 1
}

say() {
    echo "uninstall.sh: $1"
}

for word in "$@"; do
    case $word in
    --delete-data) data=goes ;;
    --help | -h)
        sed -n '2,/^set /s/^# //p' "$0"
        exit 0
        ;;
    *) fail "there is no option $word; there are --delete-data and --help" ;;
    esac
done

[ "$(id -u)" = 0 ] || fail "run it as root"

names="strokebox.target strokebox-intake.service strokebox-worker.service strokebox-engines.service
    strokebox-engines.path strokebox-engines.timer strokebox-retention.service strokebox-retention.timer
    strokebox.slice"
if [ -z "$root" ] && [ -e "$units/strokebox.target" ]; then
    say "stopping; what is in work is analysed after the next installation"
    for name in $names; do
        systemctl disable --quiet --now "$name" || say "$name could not be stopped"
    done
fi

say "removing units"
for name in $names; do
    rm -f "$units/$name"
done
rm -f "$root/etc/sysusers.d/strokebox.conf" "$root/etc/tmpfiles.d/strokebox.conf"
case $(readlink "$root/usr/local/bin/strokebox") in
*/.venv/bin/strokebox) rm -f "$root/usr/local/bin/strokebox" ;; # ours; another one stays
esac
if [ -z "$root" ]; then
    systemctl daemon-reload
fi

folders="/etc/strokebox /srv/strokebox /var/lib/strokebox /var/lib/strokebox-engines"
folders="$folders /var/cache/strokebox /var/cache/strokebox-engines"
if [ "$data" = stays ]; then
    say "left as they are, with all that is in them: $folders"
    say "left as well: the users strokebox and strokebox-engines, the groups strokebox-upload and strokebox-results"
    exit 0
fi
for folder in $folders; do
    say "deleting $folder"
    # Not what is mounted below it: a share's content belongs to others.
    rm -rf --one-file-system "$root$folder" || say "$folder: something is mounted below it, and stays"
done
if [ -z "$root" ]; then
    for user in strokebox strokebox-engines; do
        userdel "$user" || say "the user $user stays"
    done
    for group in strokebox-upload strokebox-results; do
        groupdel "$group" || say "the group $group stays"
    done
fi
