import type { ConfigAnswer, ConfigOrigin } from "@heddle/viz/contract";
import type { Polled } from "../use-poll.ts";
import { Cards } from "./cards.tsx";

/** Policies in force at a workload, and which resources made its configuration. */
export function ConfigSections({ polled, namespace }: { polled: Polled<ConfigAnswer>; namespace: string }) {
  const { data } = polled;
  return (
    <section>
      <h2>Policies in force</h2>
      {polled.error !== undefined && data === undefined ? <p class="muted">Not to be had now: {polled.error}</p> : null}
      {data === undefined && polled.error === undefined ? <p class="muted">Asking the control plane…</p> : null}
      {data?.gaps.map((gap) => (
        <p key={gap} class="notice">
          {gap}
        </p>
      ))}
      {data && data.pod !== "" ? <Policies answer={data} /> : null}
      {data && data.pod !== "" ? <Origins answer={data} namespace={namespace} /> : null}
    </section>
  );
}

function Policies({ answer }: { answer: ConfigAnswer }) {
  return (
    <>
      {answer.plainTextAllowed === null ? null : (
        <p>
          {answer.plainTextAllowed ? (
            <span class="health poor">! Plain text is let in (mutual TLS is PERMISSIVE).</span>
          ) : (
            <span class="health good">✓ Only mutual TLS is let in (STRICT).</span>
          )}
        </p>
      )}
      {answer.policies.length === 0 ? (
        <p class="muted">No policy names this workload: whoever reaches it may call it.</p>
      ) : (
        <Cards heads={["Policy", "Kind", "Effect"]}>
          {answer.policies.map((p) => (
            <tr key={`${p.kind}/${p.namespace}/${p.name}`}>
              <th scope="row">
                {p.name} <small>{p.namespace}</small>
              </th>
              <td data-label="Kind">{p.kind}</td>
              <td class="full" data-label="Effect">
                {p.effect || "takes part"}
              </td>
            </tr>
          ))}
        </Cards>
      )}
    </>
  );
}

function Origins({ answer, namespace }: { answer: ConfigAnswer; namespace: string }) {
  const own = answer.origins.filter((o) => o.kind !== "Service");
  const services = answer.origins.filter((o) => o.kind === "Service");
  return (
    <>
      <Cards caption="Configuration and its origin" heads={["Resource", "Kind", "Decides", "Makes"]}>
        {own.map((o) => (
          <tr key={`${o.kind}/${o.namespace}/${o.name}`}>
            <th scope="row">
              {o.name} <small>{o.namespace}</small>
            </th>
            <td data-label="Kind">{o.kind}</td>
            <td class="full mono" data-label="Decides">
              {o.decided.join(", ") || "–"}
            </td>
            <td class="full" data-label="Makes">
              {makes(o)}
            </td>
          </tr>
        ))}
      </Cards>
      {services.length > 0 ? (
        <details>
          <summary>
            {services.length} {services.length === 1 ? "Service" : "Services"} that this proxy knows
          </summary>
          <ul>
            {services.map((s) => (
              <li key={`${s.namespace}/${s.name}`}>
                {s.namespace}/{s.name} <small>{makes(s)}</small>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      <p class="muted">
        As {answer.pod} was told. In a terminal:{" "}
        <code>
          heddle proxy-config all {answer.pod}.{namespace}
        </code>
      </p>
    </>
  );
}

function makes(origin: ConfigOrigin): string {
  return Object.entries(origin.makes)
    .map(([what, n]) => `${n} ${n === 1 ? what : plural(what)}`)
    .join(", ");
}

const plural = (word: string) => (word.endsWith("y") ? `${word.slice(0, -1)}ies` : `${word}s`);
