import type { Clock, ClockTimer, Logger } from "@heddle/std";

/** Addresses of gateways whose load balancers have names (as AWS gives them). */
export interface GatewayNames {
  /** These and no others are resolved from now on. */
  follow(names: readonly string[]): void;
  /** As last known; a failed question takes nothing away. */
  addressesOf(name: string): readonly string[];
  close(): void;
}

export interface GatewayNamesOptions {
  readonly clock: Clock;
  /** IPv4 addresses. Errors: as of DNS. */
  resolve(name: string): Promise<readonly string[]>;
  readonly log: Logger;
  /** Addresses came or changed. */
  onChange(): void;
}

/** How often names are asked for: load balancers change addresses with their size, and give answers that live a minute. Units: ms. */
const everyMs = 30_000;

class Names implements GatewayNames {
  readonly #options: GatewayNamesOptions;
  readonly #addresses = new Map<string, readonly string[]>();
  #names: readonly string[] = [];
  #timer: ClockTimer | undefined;

  constructor(options: GatewayNamesOptions) {
    this.#options = options;
  }

  follow(names: readonly string[]): void {
    const added = names.filter((name) => !this.#names.includes(name));
    this.#names = names;
    for (const name of this.#addresses.keys()) if (!names.includes(name)) this.#addresses.delete(name);
    if (names.length === 0) this.close();
    else this.#timer ??= this.#options.clock.every(everyMs, () => void this.#ask(this.#names));
    if (added.length > 0) void this.#ask(added);
  }

  addressesOf(name: string): readonly string[] {
    return this.#addresses.get(name) ?? [];
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #ask(names: readonly string[]): Promise<void> {
    const answers = await Promise.all(names.map((name) => this.#answer(name)));
    if (answers.includes(true)) this.#options.onChange();
  }

  /** Whether something is new. */
  async #answer(name: string): Promise<boolean> {
    const { resolve, log } = this.#options;
    try {
      const addresses = [...(await resolve(name))].sort();
      const known = this.addressesOf(name);
      if (!this.#names.includes(name) || addresses.length === 0 || addresses.join() === known.join()) return false;
      this.#addresses.set(name, addresses);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const kept =
        this.addressesOf(name).length > 0 ? "its last addresses stay in force" : "its network can't be reached";
      log.warn(`the gateway's name can't be resolved; ${kept}`, { name, reason });
      return false;
    }
  }
}

export function createGatewayNames(options: GatewayNamesOptions): GatewayNames {
  return new Names(options);
}
