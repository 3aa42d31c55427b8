import { connect } from "node:net";
import type { NetworkGateway } from "@heddle/model";

/** Units: ms. */
const timeoutMs = 2000;

/** What came of opening a TCP connection. */
export interface GatewayProbe {
  /** "" when it could be opened. */
  readonly problem: string;
  /** Until it was open. Units: ms. */
  readonly latencyMs?: number;
}

/** Whether a TCP connection can be opened to each gateway, and how fast. */
export async function probeGateways(
  gateways: ReadonlyMap<string, readonly NetworkGateway[]>,
): Promise<Readonly<Record<string, readonly (NetworkGateway & GatewayProbe)[]>>> {
  const probed = [...gateways].map(
    async ([network, list]) =>
      [network, await Promise.all(list.map(async (one) => ({ ...one, ...(await probe(one)) })))] as const,
  );
  return Object.fromEntries(await Promise.all(probed));
}

function probe({ address, port }: NetworkGateway): Promise<GatewayProbe> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => settle(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const settle = (problem: string) => {
      clearTimeout(timer);
      socket.destroy();
      const latencyMs = Math.round((performance.now() - startedMs) * 100) / 100;
      resolve(problem === "" ? { problem, latencyMs } : { problem });
    };
    socket.once("connect", () => settle(""));
    socket.once("error", (error) => settle(error.message));
  });
}
