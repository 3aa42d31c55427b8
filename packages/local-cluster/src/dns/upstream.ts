/** Answers questions that are not about the cluster. */
export interface Upstream {
  /** Answer packet with the question's id, or `undefined` when there is no answer to be had. Never rejects. */
  resolve(query: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Sends a domain and what is below it to its own resolver. */
export interface StubDomain {
  /** Lower case, no dot at the end. */
  readonly domain: string;
  readonly upstream: Upstream;
}

/** The upstream for a name: the longest stub domain that holds it, else the general one. */
export function upstreamFor(name: string, stubs: readonly StubDomain[], general: Upstream): Upstream {
  const lower = name.toLowerCase();
  let best: StubDomain | undefined;
  for (const stub of stubs) {
    const holds = lower === stub.domain || lower.endsWith(`.${stub.domain}`);
    if (holds && stub.domain.length > (best?.domain.length ?? -1)) best = stub;
  }
  return best?.upstream ?? general;
}
