import { useEffect, useState } from "preact/hooks";
import { type Answers, ask, type Params, queryOf, Refused } from "./data.ts";

export interface Polled<T> {
  /** The newest answer; stays while the server is away. */
  readonly data: T | undefined;
  /** Why there is no newer one. */
  readonly error: string | undefined;
  /** Whether the server understood and refused. */
  readonly refused: boolean;
  /** Whether the server does not know the question at all: a dashboard inside the cluster has no live calls, for one. */
  readonly unknown: boolean;
  /** When `data` came. Units: ms since 1970. */
  readonly atMs: number;
}

const NOTHING = { data: undefined, error: undefined, refused: false, unknown: false, atMs: 0 };
const TIMEOUT_MS = 8000;

/** Asks again and again while the page is visible; an answer that fails leaves the last good one in place. Units: ms. */
export function usePoll<P extends keyof Answers>(path: P, params: Params, everyMs = 2000): Polled<Answers[P]> {
  const key = path + queryOf(params);
  const [state, setState] = useState<Polled<Answers[P]> & { readonly key: string }>({ ...NOTHING, key });
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running: AbortController | undefined;
    const round = async () => {
      if (over) return;
      running = new AbortController();
      const limit = setTimeout(() => running?.abort(new Error("no answer within 8 seconds")), TIMEOUT_MS);
      try {
        if (!document.hidden) {
          const data = await ask(path, params, running.signal);
          if (!over) setState({ data, error: undefined, refused: false, unknown: false, atMs: Date.now(), key });
        }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const refused = error instanceof Refused && error.status < 500;
        const unknown = error instanceof Refused && error.status === 404;
        if (!over) setState((s) => ({ ...(s.key === key ? s : { ...NOTHING, key }), error: reason, refused, unknown }));
      } finally {
        clearTimeout(limit);
        if (!over) timer = setTimeout(() => void round(), everyMs);
      }
    };
    void round();
    return () => {
      over = true;
      clearTimeout(timer);
      running?.abort();
    };
  }, [key, everyMs]);
  return state.key === key ? state : NOTHING;
}
