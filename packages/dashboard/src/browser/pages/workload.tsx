import type { Problem, WorkloadAnswer } from "@heddle/viz/contract";
import { bytesRate, clockTime, duration, millis, rate } from "../format.ts";
import { Cards } from "../parts/cards.tsx";
import { ConfigSections } from "../parts/config-sections.tsx";
import { Meshed, Success } from "../parts/health.tsx";
import { Notice } from "../parts/notice.tsx";
import { NumCell } from "../parts/number-cells.tsx";
import { ProblemList } from "../parts/problem-list.tsx";
import { RecentFailuresTable } from "../parts/recent-failures.tsx";
import { RoutesTable } from "../parts/routes-table.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
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
      {data ? <Tiles answer={data} /> : null}
      {own.length > 0 ? (
        <ProblemList problems={own} nowMs={data?.timeMs ?? Date.now()} historyMs={data?.sinceMs ?? null} />
      ) : null}
      <RecentFailuresTable polled={failures} />
      {data ? <Failures answer={data} /> : null}
      {data ? <TrafficTable rows={data.inbound} side="src" caption="Inbound" /> : null}
      {data ? <TrafficTable rows={data.outbound} side="dst" caption="Outbound" /> : null}
      <RoutesTable polled={routes} />
      {data ? <Pods answer={data} /> : null}
      <ConfigSections polled={config} />
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

function Tiles({ answer: { row } }: { answer: WorkloadAnswer }) {
  return (
    <dl class="tiles">
      <div>
        <dt>Success</dt>
        <dd>
          <Success value={row.success} />
        </dd>
      </div>
      <div>
        <dt>Requests/s</dt>
        <dd>{rate(row.rps)}</dd>
      </div>
      <div class="wide">
        <dt>P50 / P95 / P99</dt>
        <dd class="small">
          {millis(row.latencyMsP50)} / {millis(row.latencyMsP95)} / {millis(row.latencyMsP99)}
        </dd>
      </div>
      <div>
        <dt>Connections</dt>
        <dd>{row.tcpOpenConnections}</dd>
      </div>
      <div>
        <dt>Read / write</dt>
        <dd class="small">
          {bytesRate(row.tcpReadBytesRate)} / {bytesRate(row.tcpWriteBytesRate)}
        </dd>
      </div>
      <div>
        <dt>Meshed pods</dt>
        <dd>
          <Meshed meshed={row.meshed} pods={row.pods} />
        </dd>
      </div>
      <div class="full">
        <dt>{row.failingSinceMs === null ? "Last 10 minutes" : `Failing since ${clockTime(row.failingSinceMs)}`}</dt>
        <dd>
          <Sparkline spark={row.spark} label={row.name} big />
        </dd>
      </div>
    </dl>
  );
}

function Failures({ answer }: { answer: WorkloadAnswer }) {
  if (answer.failures.length === 0) return null;
  return (
    <Cards caption="Where it breaks, in this window" heads={["Way", "Reason", { num: "Count" }]}>
      {answer.failures.map((f) => (
        <tr key={`${f.src}${f.dst}${f.code}${f.grpcStatus}${f.flags}`} class="bad">
          <th scope="row">
            {f.src} → {f.dst}
          </th>
          <td class="full" data-label="Reason">
            {f.reason}
          </td>
          <NumCell label="Count">{Math.round(f.count)}</NumCell>
        </tr>
      ))}
    </Cards>
  );
}

function Pods({ answer }: { answer: WorkloadAnswer }) {
  return (
    <Cards
      caption="Pods"
      heads={[
        "Pod",
        "Address",
        { num: "Success" },
        { num: "Req/s" },
        { num: "P99" },
        { num: "Connections" },
        "Certificate",
      ]}
    >
      {answer.pods.map((pod) => (
        <tr key={pod.name}>
          <th scope="row">{pod.name}</th>
          <td data-label="Address" class="mono">
            {pod.ip}
          </td>
          <NumCell label="Success">
            <Success value={pod.success} />
          </NumCell>
          <NumCell label="Req/s">{rate(pod.rps)}</NumCell>
          <NumCell label="P99">{millis(pod.latencyMsP99)}</NumCell>
          <NumCell label="Connections">{pod.tcpOpenConnections}</NumCell>
          <td class="full" data-label="Certificate">
            {pod.meshed === 0 ? "no proxy" : `valid for ${duration(pod.certificateExpiresInMs)}`}
          </td>
        </tr>
      ))}
    </Cards>
  );
}
