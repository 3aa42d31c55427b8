/** Hands out pod addresses of a /16. A freed address rests until all others were used, so that late packets don't reach a stranger. */
export interface AddressPool {
  /** Errors: throws when every address is taken. */
  take(): string;
  free(ip: string): void;
}

/** The last 512 addresses of the range stay for the node. */
const HOSTS = 65_536 - 512;
const FIRST_HOST = 2;

export function createAddressPool(podCidr: string): AddressPool {
  const [a, b] = podCidr.split(".");
  const taken = new Set<string>();
  let next = FIRST_HOST;
  return {
    take: () => {
      for (let tries = FIRST_HOST; tries < HOSTS; tries++) {
        const ip = `${a}.${b}.${next >> 8}.${next & 0xff}`;
        next = next + 1 >= HOSTS ? FIRST_HOST : next + 1;
        if (taken.has(ip)) continue;
        taken.add(ip);
        return ip;
      }
      throw new Error(`all ${HOSTS - FIRST_HOST} pod addresses of ${podCidr} are taken`);
    },
    free: (ip) => {
      taken.delete(ip);
    },
  };
}
