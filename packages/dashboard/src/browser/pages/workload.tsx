import type { Problem, WorkloadAnswer } from "@heddle/viz/contract";
import { ConfigSections } from "../parts/config-sections.tsx";
import { FailuresTable } from "../parts/failures-table.tsx";
import { GoldenTiles } from "../parts/golden-tiles.tsx";
import { Notice } from "../parts/notice.tsx";
import { PodsTable } from "../parts/pods-table.tsx";
import { ProblemList } from "../parts/problem-list.tsx";
import { RecentFailuresTable } from "../parts/recent-failures.tsx";
import { RoutesTable } from "../parts/routes-table.tsx";
import { TrafficTable } from "../parts/traffic-table.tsx";
import { hashOf } from "../route.ts";
import { usePoll } from "../use-poll.ts";

interface Props {
  readonly windowMs: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly problems: readonly Problem[];
}

/** One workload: how it is, who calls it, whom it calls, what failed. */
export function WorkloadPage({ windowMs, namespace, kind, name, problems }: Props) {
  const polled = usePoll("api/workload", { windowMs, namespace, kind, name });
  const failures = usePoll("api/recent-failures", { namespace, kind, name }, 5000);
  const config = usePoll("api/config", { namespace, kind, name }, 10_000);
  const routes = usePoll("api/routes", { windowMs, namespace, kind, name }, 4000);
  const { data } = polled;
  const own = problems.filter((p) => p.namespace === namespace && p.name === name);
  return (
    <>
      <p class="crumbs">
        <a href="#/">Mesh</a> / <a href={hashOf("namespace", namespace)}>{namespace}</a> / {kind}
      </p>
      <h1>{name}</h1>
      {data ? <Identity answer={data} /> : null}
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      {data === undefined && polled.error === undefined ? <p class="muted">Asking for the figures…</p> : null}
      {data ? <GoldenTiles row={data.row} /> : null}
      {own.length > 0 ? (
        <ProblemList problems={own} nowMs={data?.timeMs ?? Date.now()} historyMs={data?.sinceMs ?? null} />
      ) : null}
      <RecentFailuresTable polled={failures} />
      {data ? <FailuresTable rows={data.failures} /> : null}
      {data ? <TrafficTable rows={data.inbound} side="src" caption="Inbound" /> : null}
      {data ? <TrafficTable rows={data.outbound} side="dst" caption="Outbound" /> : null}
      <RoutesTable polled={routes} />
      {data ? <PodsTable rows={data.pods} /> : null}
      <ConfigSections polled={config} namespace={namespace} />
      <p>
        <a class="button" href={hashOf("live", namespace, kind, name)}>
          Watch live calls
        </a>
      </p>
      <p class="muted">
        In a terminal:{" "}
        <code>
          heddle viz stat {kind}/{name} -n {namespace}
        </code>
        ,{" "}
        <code>
          heddle viz top {kind}/{name} -n {namespace}
        </code>
      </p>
    </>
  );
}

/** As the other ends saw it. */
function Identity({ answer }: { answer: WorkloadAnswer }) {
  const seen = [...answer.inbound.map((w) => w.serverId), ...answer.outbound.map((w) => w.clientId)];
  const ids = [...new Set(seen.filter((id) => id !== ""))];
  if (ids.length === 0) return null;
  return (
    <p class="muted">
      Identity <code>{ids.join(", ")}</code>
    </p>
  );
}
