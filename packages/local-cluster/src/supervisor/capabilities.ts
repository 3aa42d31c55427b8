/** What the node needs of root, by bit. Source: linux/capability.h. */
const NEEDED = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_ADMIN: 12,
  SYS_CHROOT: 18,
  SYS_ADMIN: 21,
} as const;

/** The capabilities that a cluster needs and the process of this `/proc/PID/status` lacks. Pure. */
export function lackingCapabilities(procStatus: string): readonly string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(procStatus)?.[1];
  if (effective === undefined) return [];
  const mask = BigInt(`0x${effective}`);
  return Object.entries(NEEDED).flatMap(([name, bit]) => ((mask >> BigInt(bit)) & 1n ? [] : name));
}
