import type { OverviewRow } from "@heddle/viz/contract";
import { bytesRate, clockTime, millis, rate } from "../format.ts";
import { Meshed, Success } from "./health.tsx";
import { Sparkline } from "./sparkline.tsx";

/** The golden metrics of a workload or namespace, large. */
export function GoldenTiles({ row }: { row: OverviewRow }) {
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
      <div class="wide">
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
