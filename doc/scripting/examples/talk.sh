#!/bin/bash
# talk.sh SOCKET PROFILE JID: say hello to JID, and print the first message that comes.
set -eu
profile=$2 peer=$3
coproc SAT { socat - "UNIX-CONNECT:$1"; }

ask() {
    printf '{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n' "$1" "$2" "$3" >&"${SAT[1]}"
}

ask 1 session.hello '{"api":"1","client":"talk.sh"}'
ask 2 state.attach '{"mode":"events","profiles":["'"$profile"'"],"types":["message.added"]}'
ask 3 message.send '{"profile":"'"$profile"'","to":"'"$peer"'","body":"Salut from bash"}'

while read -r line <&"${SAT[0]}"; do
    case $line in
        '{"jsonrpc":"2.0","id":'?',"error":'*) printf '%s\n' "$line" >&2; exit 1 ;;
        *'"method":"event"'*'"direction":"in"'*) printf '%s\n' "$line"; exit 0 ;;
    esac
done
exit 1
