import type { Problem } from "@heddle/viz/contract";
import { millis, percent, rate } from "../format.ts";
import { MetricsTable } from "../parts/metrics-table.tsx";
import { Notice } from "../parts/notice.tsx";
import { usePoll } from "../use-poll.ts";

/** The first page: is the mesh well, and if not, where. */
export function OverviewPage({ windowMs, problems }: { windowMs: string; problems: readonly Problem[] }) {
  const polled = usePoll("api/overview", { windowMs });
  const { data } = polled;
  const workloads = data?.workloads ?? [];
  const shown = workloads.filter((w) => w.meshed > 0 || w.success !== null);
  const rest = workloads.filter((w) => !shown.includes(w));
  return (
    <>
      <h1>Mesh</h1>
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      {data === undefined ? (
        <p class="muted">Asking for the figures…</p>
      ) : (
        <>
          <Summary workloads={shown} problems={problems.length} />
          <MetricsTable caption="Namespaces" rows={data.namespaces.filter((n) => n.meshed > 0)} />
          {shown.length === 0 ? (
            <p class="notice">
              No workload has a proxy yet. Label a namespace and restart its pods:{" "}
              <code>kubectl label namespace NAME istio-injection=enabled</code>
            </p>
          ) : (
            <MetricsTable caption="Workloads" rows={shown} showNamespace />
          )}
          {rest.length > 0 ? (
            <details>
              <summary>{rest.length} workloads without a proxy</summary>
              <p>{rest.map((w) => `${w.namespace}/${w.name}`).join(", ")}</p>
            </details>
          ) : null}
        </>
      )}
    </>
  );
}

function Summary({
  workloads,
  problems,
}: {
  workloads: readonly {
    readonly requests: number;
    readonly failures: number;
    readonly rps: number | null;
    readonly latencyMsP99: number | null;
    readonly meshed: number;
    readonly pods: number;
  }[];
  problems: number;
}) {
  const sum = (pick: (w: (typeof workloads)[number]) => number) => workloads.reduce((total, w) => total + pick(w), 0);
  const requests = sum((w) => w.requests);
  const slowest = workloads.reduce<number | null>(
    (top, w) => (w.latencyMsP99 === null ? top : Math.max(top ?? 0, w.latencyMsP99)),
    null,
  );
  return (
    <dl class="tiles">
      <div>
        <dt>Problems</dt>
        <dd>
          <a href="#/problems" class={problems > 0 ? "health bad" : "health good"}>
            {problems === 0 ? "none" : problems}
          </a>
        </dd>
      </div>
      <div>
        <dt>Success</dt>
        <dd>{percent(requests === 0 ? null : (requests - sum((w) => w.failures)) / requests)}</dd>
      </div>
      <div>
        <dt>Requests/s</dt>
        <dd>{rate(sum((w) => w.rps ?? 0))}</dd>
      </div>
      <div>
        <dt>Slowest P99</dt>
        <dd>{millis(slowest)}</dd>
      </div>
      <div>
        <dt>Meshed pods</dt>
        <dd>
          {sum((w) => w.meshed)}/{sum((w) => w.pods)}
        </dd>
      </div>
    </dl>
  );
}
