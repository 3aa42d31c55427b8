/** The page of Envoy's admin interface that {@link allListenersStopped} reads. */
export const LISTENER_COUNTS = "/stats?filter=^listener_manager\\.(listener_stopped|total_listeners_active)$";

/** Whether `/drain_listeners` has closed every port, not only the inbound one. A listener that is replaced is not counted as stopped. */
export function allListenersStopped(stats: string): boolean {
  const count = (name: string) => Number(new RegExp(`^listener_manager\\.${name}: (\\d+)$`, "m").exec(stats)?.[1] ?? 0);
  const stopped = count("listener_stopped");
  return stopped > 0 && stopped >= count("total_listeners_active");
}
