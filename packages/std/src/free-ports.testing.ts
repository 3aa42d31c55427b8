/** Below the ports that the kernel gives out by itself, to outgoing connections and to who asks for port 0; above are NodePorts. */
const FIRST = 20_000;
const COUNT = 10_000;

/** The process is what must not choose a port twice. Begins by chance, so that processes beside each other choose differently. */
let next = Math.floor(Math.random() * COUNT);

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "0.0.0.0", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

/** Sockets that stand for ports given away. They have no file, are seen in the whole network namespace, and end with this process. */
const claims: unknown[] = [];
/** The name of the socket that claims a port. */
export const claimOf = (port: number): string => `\0heddle-port-${port}`;

function claim(port: number): boolean {
  try {
    const socket = Bun.listen({ unix: claimOf(port), socket: { data() {} } });
    socket.unref();
    claims.push(socket);
    return true;
  } catch {
    return false;
  }
}

/**
 * A port of this machine that nobody has, for a program that is yet to start. Nobody gets it meanwhile by chance: no other call of this process or of
 * another one (a program may take seconds to listen), no outgoing connection, and no server that lets the kernel choose.
 * Errors: throws where all are taken.
 */
export function freePort(): number {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + (next++ % COUNT);
    if (claim(port) && isFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${FIRST + COUNT - 1}`);
}

export function freePorts(count: number): number[] {
  return Array.from({ length: count }, freePort);
}
