import type { NamespaceAnswer, Problem, StatRow } from "@heddle/viz/contract";
import { Drawing } from "../graph/drawing.tsx";
import { Cards } from "../parts/cards.tsx";
import { FailuresTable } from "../parts/failures-table.tsx";
import { GoldenTiles } from "../parts/golden-tiles.tsx";
import { Meshed } from "../parts/health.tsx";
import { MetricsTable } from "../parts/metrics-table.tsx";
import { Notice } from "../parts/notice.tsx";
import { GOLDEN, GoldenCells, NumCell } from "../parts/number-cells.tsx";
import { PodsTable } from "../parts/pods-table.tsx";
import { ProblemList } from "../parts/problem-list.tsx";
import { TrafficTable } from "../parts/traffic-table.tsx";
import { usePoll } from "../use-poll.ts";

/** One namespace: how it is, what is in it, and who outside calls it or is called. */
export function NamespacePage({
  windowMs,
  namespace,
  problems,
}: {
  windowMs: string;
  namespace: string;
  problems: readonly Problem[];
}) {
  const polled = usePoll("api/namespace", { windowMs, namespace });
  const { data } = polled;
  return (
    <>
      <p class="crumbs">
        <a href="#/">Mesh</a> / namespace
      </p>
      <h1>{namespace}</h1>
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      {data === undefined && polled.error === undefined ? <p class="muted">Asking for the figures…</p> : null}
      {data ? <Contents answer={data} problems={problems.filter((p) => p.namespace === namespace)} /> : null}
      <p class="muted">
        In a terminal: <code>heddle viz stat deploy -n {namespace}</code>,{" "}
        <code>heddle viz edges deploy -n {namespace}</code>
      </p>
    </>
  );
}

function Contents({ answer, problems }: { answer: NamespaceAnswer; problems: readonly Problem[] }) {
  const { row, workloads, services, pods, edges, failures } = answer;
  const name = row.name;
  return (
    <>
      <GoldenTiles row={row} />
      {row.meshed === 0 ? (
        <p class="notice">
          No pod here has a proxy. Label the namespace and restart its pods:{" "}
          <code>kubectl label namespace {name} istio-injection=enabled</code>
        </p>
      ) : null}
      {problems.length > 0 ? (
        <ProblemList problems={problems} nowMs={answer.timeMs} historyMs={answer.sinceMs} />
      ) : null}
      <MetricsTable caption="Workloads" rows={workloads} />
      {answer.nodes.length > 0 ? (
        <section>
          <h2>Graph</h2>
          <Drawing graph={answer} />
        </section>
      ) : null}
      <FailuresTable rows={failures} />
      <TrafficTable
        rows={edges.filter((e) => e.srcNamespace !== name)}
        side="src"
        caption="From other namespaces"
        bothEnds
      />
      <TrafficTable
        rows={edges.filter((e) => e.dstNamespace !== name)}
        side="dst"
        caption="To other namespaces"
        bothEnds
      />
      <ServicesTable rows={services} />
      <PodsTable rows={pods} />
    </>
  );
}

function ServicesTable({ rows }: { rows: readonly StatRow[] }) {
  if (rows.length === 0) return null;
  return (
    <Cards caption="Services" heads={["Service", ...GOLDEN, { num: "Meshed" }]}>
      {rows.map((row) => (
        <tr key={row.name}>
          <th scope="row">{row.name}</th>
          <GoldenCells row={row} />
          <NumCell label="Meshed">
            <Meshed meshed={row.meshed} pods={row.pods} />
          </NumCell>
        </tr>
      ))}
    </Cards>
  );
}
