import type { MeshAnswer } from "@heddle/viz/contract";
import { duration, millis } from "../format.ts";
import { Cards } from "../parts/cards.tsx";
import { Notice } from "../parts/notice.tsx";
import { NumCell } from "../parts/number-cells.tsx";
import { usePoll } from "../use-poll.ts";

const TYPES = [
  ["cluster", "CDS"],
  ["listener", "LDS"],
  ["endpoint", "EDS"],
  ["route", "RDS"],
] as const;

/** Letters that are read at a glance. */
const GLANCE = 120;

/** Health of the control plane and of what it has told the proxies. */
export function MeshPage() {
  const polled = usePoll("api/mesh", {}, 3000);
  const { data } = polled;
  return (
    <>
      <h1>Control plane</h1>
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      {data === undefined && polled.error === undefined ? <p class="muted">Asking…</p> : null}
      {data && data.replicas.length > 0 ? (
        <>
          <Tiles mesh={data} />
          <Replicas mesh={data} />
          <Proxies mesh={data} />
        </>
      ) : null}
    </>
  );
}

const inSync = (proxy: MeshAnswer["proxies"][number]) =>
  TYPES.every(([type]) => proxy.sync[type] === "synced" || proxy.sync[type] === "not sent");

function Tiles({ mesh }: { mesh: MeshAnswer }) {
  const synced = mesh.proxies.filter(inSync).length;
  const rejected = mesh.proxies.filter((p) => p.rejections.length > 0).length;
  const leaves = mesh.proxies.flatMap((p) => p.certificateExpiresInMs ?? []);
  const roots = mesh.replicas.flatMap((r) => r.rootExpiresMs ?? []);
  const issuers = mesh.replicas.flatMap((r) => r.issuerExpiresMs ?? []);
  return (
    <dl class="tiles">
      <div>
        <dt>Proxies in sync</dt>
        <dd class={synced === mesh.proxies.length ? "health good" : "health poor"}>
          {synced}/{mesh.proxies.length}
        </dd>
      </div>
      <div>
        <dt>Rejections</dt>
        <dd class={rejected === 0 ? "health good" : "health bad"}>{rejected}</dd>
      </div>
      <div>
        <dt>Shortest certificate</dt>
        <dd>{leaves.length > 0 ? duration(Math.min(...leaves)) : "–"}</dd>
      </div>
      <div>
        <dt>Issuer certificate</dt>
        <dd>{issuers.length > 0 ? duration(Math.min(...issuers) - mesh.timeMs) : "–"}</dd>
      </div>
      <div>
        <dt>Root certificate</dt>
        <dd>{roots.length > 0 ? duration(Math.min(...roots) - mesh.timeMs) : "–"}</dd>
      </div>
    </dl>
  );
}

function Replicas({ mesh }: { mesh: MeshAnswer }) {
  return (
    <Cards
      caption="Replicas"
      heads={[
        "Pod",
        "Version",
        { num: "Proxies" },
        { num: "Services" },
        { num: "Pushes" },
        { num: "Certificates issued" },
        { num: "Rejections" },
        { num: "Convergence P50" },
        { num: "P99" },
      ]}
    >
      {mesh.replicas.map((r) => (
        <tr key={r.name} class={r.error === "" ? undefined : "bad"}>
          <th scope="row">
            {r.name}
            {r.error === "" ? null : <small class="health bad"> {r.error}</small>}
          </th>
          <td data-label="Version">{r.version}</td>
          <NumCell label="Proxies">{r.proxies}</NumCell>
          <NumCell label="Services">{r.services}</NumCell>
          <NumCell label="Pushes" full>
            <span>
              {r.pushes}{" "}
              <small>
                {Object.entries(r.pushesByType)
                  .map(([type, n]) => `${type.toUpperCase()} ${n}`)
                  .join(", ")}
              </small>
            </span>
          </NumCell>
          <NumCell label="Certificates issued" full>
            {r.certificatesIssued}
          </NumCell>
          <NumCell label="Rejections">{r.rejects}</NumCell>
          <NumCell label="Convergence P50" full>
            {millis(r.convergenceMsP50)}
          </NumCell>
          <NumCell label="Convergence P99" full>
            {millis(r.convergenceMsP99)}
          </NumCell>
        </tr>
      ))}
    </Cards>
  );
}

/** A proxy may repeat itself for every listener. */
function Rejection({ text }: { text: string }) {
  if (text.length <= GLANCE) return <small class="health bad"> {text}</small>;
  return (
    <details>
      <summary class="health bad">{text.slice(0, GLANCE)}…</summary>
      <small>{text}</small>
    </details>
  );
}

function Proxies({ mesh }: { mesh: MeshAnswer }) {
  return (
    <Cards caption="Proxies" heads={["Proxy", "Version", ...TYPES.map(([, title]) => title), "Certificate"]}>
      {mesh.proxies.map((p) => (
        <tr key={`${p.namespace}/${p.name}`} class={inSync(p) ? undefined : "bad"}>
          <th scope="row">
            {p.name} <small>{p.namespace}</small>
            {p.rejections.map((r) => (
              <Rejection key={r} text={r} />
            ))}
          </th>
          <td data-label="Version">{p.version}</td>
          {TYPES.map(([type, title]) => (
            <td
              key={type}
              data-label={title}
              class={`health ${p.sync[type] === "synced" ? "good" : p.sync[type] === "rejected" ? "bad" : "idle"}`}
            >
              {p.sync[type]}
            </td>
          ))}
          <td class="full" data-label="Certificate">
            {duration(p.certificateExpiresInMs)}
          </td>
        </tr>
      ))}
    </Cards>
  );
}
