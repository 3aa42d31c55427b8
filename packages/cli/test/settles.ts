/** Configuration reaches proxies within this. Units: ms. */
const CONVERGED_MS = 20_000;

/** Repeats until it holds. Errors: what was wrong the last time. */
export async function settles<T>(look: () => Promise<T>, timeoutMs = CONVERGED_MS): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(150);
    }
  }
}
