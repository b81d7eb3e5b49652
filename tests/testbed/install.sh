#!/bin/sh
# install.sh NAME… — installs what is missing of: make venv prosody ejabberd ssh node socat dbus telepathy tmux.
# As root, or through a sudo that asks for nothing, apt does it; otherwise the one line to run is printed, and this fails.
set -eu

missing=""
for name in "$@"; do
    case $name in
        make) command -v make >/dev/null || missing="$missing make" ;;
        venv) "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv" ;;
        prosody) [ -x "$(command -v prosody || echo /usr/bin/prosody)" ] || missing="$missing prosody"
            [ -d /usr/lib/prosody/modules/mod_sasl2 ] || missing="$missing prosody-modules" ;;
        ejabberd) [ -x "$(command -v ejabberdctl || echo /usr/sbin/ejabberdctl)" ] || missing="$missing ejabberd"
            [ -n "$(find /usr/lib/erlang/lib -maxdepth 1 -name "p1_sqlite3-*" 2>/dev/null)" ] || missing="$missing erlang-p1-sqlite3" ;;
        ssh) [ -x /usr/sbin/sshd ] && command -v ssh >/dev/null || missing="$missing openssh-server" ;;
        node) command -v node >/dev/null || missing="$missing nodejs" ;;
        tmux) command -v tmux >/dev/null || missing="$missing tmux" ;;
        socat) command -v socat >/dev/null || missing="$missing socat" ;;
        dbus) command -v dbus-daemon >/dev/null || missing="$missing dbus-daemon"
            command -v busctl >/dev/null || missing="$missing systemd"
            command -v gdbus >/dev/null || missing="$missing libglib2.0-bin"
            # The system's own serve a virtual environment as well: tests/testbed/bus.py finds them.
            for module in dbus gi; do
                "${PYTHON:-python3}" -c "import $module" 2>/dev/null || [ -d /usr/lib/python3/dist-packages/$module ] ||
                    missing="$missing python3-$module"
            done ;;
        telepathy) command -v mc-tool >/dev/null || missing="$missing telepathy-mission-control-5"
            # The bindings are for the system's own Python, which is what runs that client.
            [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import gi" 2>/dev/null || missing="$missing python3-gi"
            [ -n "$(find /usr/lib -path "*/girepository-1.0/TelepathyGLib-0.12.typelib" 2>/dev/null)" ] ||
                missing="$missing gir1.2-telepathyglib-0.12" ;;
        *) echo "install.sh: no program is called “$name” here; it knows make, venv, prosody, ejabberd, ssh, node, socat, dbus, telepathy and tmux." >&2; exit 2 ;;
    esac
done
[ -n "$missing" ] || exit 0

line="apt-get install --no-install-recommends$missing"
if ! command -v apt-get >/dev/null; then
    echo "Missing:$missing. This system has no apt: install them with its own package manager, then try again." >&2
    exit 1
elif [ "$(id -u)" = 0 ]; then
    root=""
elif sudo -n true 2>/dev/null; then
    root="sudo -n"
else
    echo "Missing:$missing. Installing them needs root; run this line, then try again:" >&2
    echo "    sudo $line" >&2
    exit 1
fi

echo "Installing$missing with apt…"
# A package's service must neither start now nor at the next boot: the testbed runs its own servers, on ports of its own.
# shellcheck disable=SC2016,SC2086
$root sh -c '
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap "rm -f $policy" EXIT
        trap "exit 130" INT TERM
        printf "#!/bin/sh\nexit 101\n" >$policy
        chmod 755 $policy
    fi
    log=$(mktemp)
    install() { apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" >"$log" 2>&1; }
    install "$@" || { apt-get -qq update >>"$log" 2>&1 && install "$@"; } || { cat "$log" >&2; rm -f "$log"; exit 1; }
    rm -f "$log"
    for package in "$@"; do
        case $package in prosody | ejabberd) update-rc.d $package disable >/dev/null 2>&1 || true ;;
            openssh-server) update-rc.d ssh disable >/dev/null 2>&1 || true ;; esac
    done
' install $missing </dev/null
