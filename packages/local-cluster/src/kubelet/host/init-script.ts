/** File descriptors that the node hands to a container's init. */
export const REPORT_FD = 3;
export const NODE_PROC_FD = 4;
/** The program's standard error; what the starting tools write goes elsewhere. */
export const STDERR_FD = 5;

/**
 * The first process of every container without a terminal: reports its process id as the node sees it, then runs the program, forwards
 * signals to it and reaps orphans. A shell leaves SIGINT and SIGQUIT ignored in its children; `env` gives them back.
 */
export const initScript = `#!/bin/sh
read -r pid rest <"/proc/self/fd/${NODE_PROC_FD}/self/stat" && echo "$pid" >&${REPORT_FD}
exec 2>&${STDERR_FD} ${REPORT_FD}>&- ${NODE_PROC_FD}<&- ${STDERR_FD}>&-
exec 3<&0
env --default-signal=INT,QUIT "$@" <&3 3<&- &
child=$!
exec 3<&- 0</dev/null 1>/dev/null 2>/dev/null
for signal in TERM INT HUP QUIT USR1 USR2 WINCH; do trap "kill -$signal $child 2>/dev/null" "$signal"; done
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
`;

/** The same report for programs that own a terminal; the program itself becomes the first process. */
export const ttyInitScript = `read -r pid rest <"/proc/self/fd/${NODE_PROC_FD}/self/stat" && echo "$pid" >&${REPORT_FD}
exec 2>&${STDERR_FD} ${REPORT_FD}>&- ${NODE_PROC_FD}<&- ${STDERR_FD}>&-
exec setsid -cw env "$@"`;
