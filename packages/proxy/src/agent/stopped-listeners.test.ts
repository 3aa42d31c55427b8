import { expect, test } from "bun:test";
import { allListenersStopped } from "./stopped-listeners.ts";

test("all ports are closed when as many listeners were stopped as there are", () => {
  const stats = (stopped: number) =>
    `listener_manager.listener_stopped: ${stopped}\nlistener_manager.total_listeners_active: 18\n`;
  expect([0, 1, 18].map((stopped) => allListenersStopped(stats(stopped)))).toEqual([false, false, true]);
  expect(allListenersStopped("")).toBe(false);
});
