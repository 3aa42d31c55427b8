import { connect } from "node:net";
import type { NetworkGateway } from "@heddle/model";

/** Units: ms. */
const timeoutMs = 2000;

/** Whether a TCP connection can be opened to each gateway. `problem` is "" when it can. */
export async function probeGateways(
  gateways: ReadonlyMap<string, readonly NetworkGateway[]>,
): Promise<Readonly<Record<string, readonly (NetworkGateway & { readonly problem: string })[]>>> {
  const probed = [...gateways].map(
    async ([network, list]) =>
      [network, await Promise.all(list.map(async (one) => ({ ...one, problem: await problemOf(one) })))] as const,
  );
  return Object.fromEntries(await Promise.all(probed));
}

function problemOf({ address, port }: NetworkGateway): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => settle(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const settle = (problem: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    socket.once("connect", () => settle(""));
    socket.once("error", (error) => settle(error.message));
  });
}
