import type { GatewaysAnswer } from "@heddle/viz/contract";
import { Cards } from "../parts/cards.tsx";
import { Notice } from "../parts/notice.tsx";
import { LATENCIES, LatencyCells, NumCell } from "../parts/number-cells.tsx";
import { usePoll } from "../use-poll.ts";

/** Ways between clusters: gateways, whether they live, how far they are; and the clusters whose registries are read. */
export function GatewaysPage() {
  const polled = usePoll("api/gateways", {}, 3000);
  const { data } = polled;
  const none = data !== undefined && data.gateways.length === 0 && data.clusters.length === 0;
  return (
    <>
      <h1>Gateways between clusters</h1>
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      {data === undefined && polled.error === undefined ? <p class="muted">Asking…</p> : null}
      {none ? (
        <p class="notice">
          This mesh has one cluster. To join another: <code>heddle create-remote-secret</code> (one control plane each),
          or <code>heddle multicluster link</code> (mirrored services). <code>heddle multicluster check</code> finds
          mistakes.
        </p>
      ) : null}
      {data && data.gateways.length > 0 ? <Gateways answer={data} /> : null}
      {data && data.clusters.length > 0 ? <Clusters answer={data} /> : null}
    </>
  );
}

function Gateways({ answer }: { answer: GatewaysAnswer }) {
  return (
    <Cards
      caption="Gateways"
      heads={["Gateway", "Cluster or network", "Side", "Alive", { num: "Services" }, ...LATENCIES]}
    >
      {answer.gateways.map((g) => (
        <tr key={`${g.side}/${g.cluster}/${g.namespace}/${g.name}`} class={g.alive === false ? "bad" : undefined}>
          <th scope="row">
            {g.name} <small>{g.namespace}</small>
          </th>
          <td class="full" data-label="Cluster">
            {g.cluster || (g.side === "this cluster" ? "this one" : "–")}
          </td>
          <td data-label="Side">{g.side}</td>
          <td data-label="Alive" class={`health ${g.alive === null ? "idle" : g.alive ? "good" : "bad"}`}>
            {g.alive === null ? "not probed" : g.alive ? "✓ yes" : "✕ no"}
          </td>
          <NumCell label="Services">{g.services ?? "–"}</NumCell>
          <LatencyCells row={g} />
        </tr>
      ))}
    </Cards>
  );
}

function Clusters({ answer }: { answer: GatewaysAnswer }) {
  return (
    <Cards caption="Clusters that the control plane reads" heads={["Cluster", "Status", "Secret", "Replica"]}>
      {answer.clusters.map((c) => (
        <tr key={`${c.replica}/${c.secret}/${c.id}`} class={c.status === "synced" ? undefined : "poor"}>
          <th scope="row">{c.id}</th>
          <td data-label="Status" class={`full health ${c.status === "synced" ? "good" : "poor"}`}>
            <span>
              {c.status || "unknown"} {c.reason === "" ? null : <small>{c.reason}</small>}
            </span>
          </td>
          <td class="full mono" data-label="Secret">
            {c.secret || "–"}
          </td>
          <td class="full" data-label="Replica">
            {c.replica}
          </td>
        </tr>
      ))}
    </Cards>
  );
}
