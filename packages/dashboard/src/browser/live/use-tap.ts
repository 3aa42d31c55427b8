import type { NamedTapEvent } from "@heddle/viz/contract";
import { useEffect, useRef, useState } from "preact/hooks";
import { queryOf } from "../data.ts";

/** Rows of the list; older ones fall out. */
const MAX_EVENTS = 200;
/** Events are drawn together, not one by one. Units: ms. */
const DRAW_MS = 300;

export interface Line {
  readonly id: number;
  readonly event: NamedTapEvent;
}

/** The calls of a workload as its proxies tell them, newest first. */
export function useTap(namespace: string, kind: string, name: string) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [problem, setProblem] = useState("");
  const [running, setRunning] = useState(true);
  const nextId = useRef(0);
  useEffect(() => {
    if (name === "" || !running) return;
    const source = new EventSource(`api/tap${queryOf({ namespace, kind, name, maxRps: "50" })}`);
    let waiting: Line[] = [];
    const draw = setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting.reverse();
      waiting = [];
      setLines((old) => [...fresh, ...old].slice(0, MAX_EVENTS));
    }, DRAW_MS);
    source.onopen = () => setProblem("");
    source.onmessage = (message: MessageEvent<string>) => {
      waiting.push({ id: nextId.current++, event: JSON.parse(message.data) });
    };
    source.addEventListener("problem", (message) => {
      if (message instanceof MessageEvent) setProblem(String(JSON.parse(message.data)));
    });
    source.onerror = () =>
      setProblem(
        "The stream of calls was refused or broke; it works where the dashboard was opened with “heddle viz dashboard”, with the rights of whoever opened it, and in a cluster where viz was installed with dashboard.liveCalls=true.",
      );
    return () => {
      source.close();
      clearInterval(draw);
    };
  }, [namespace, kind, name, running]);
  return { lines, problem, running, setRunning };
}
