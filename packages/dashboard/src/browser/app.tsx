import { useEffect, useState } from "preact/hooks";
import { GatewaysPage } from "./pages/gateways.tsx";
import { GraphPage } from "./pages/graph.tsx";
import { LivePage } from "./pages/live.tsx";
import { MeshPage } from "./pages/mesh.tsx";
import { NamespacePage } from "./pages/namespace.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { ProblemsPage } from "./pages/problems.tsx";
import { TracesPage } from "./pages/traces.tsx";
import { WorkloadPage } from "./pages/workload.tsx";
import { type Route, useRoute } from "./route.ts";
import { usePoll } from "./use-poll.ts";

const WINDOWS = [
  ["60000", "1 min"],
  ["600000", "10 min"],
  ["3600000", "1 h"],
  ["21600000", "6 h"],
] as const;

const TABS = [
  ["overview", "Overview", "#/"],
  ["graph", "Graph", "#/graph"],
  ["problems", "Problems", "#/problems"],
  ["live", "Live", "#/live"],
  ["traces", "Traces", "#/traces"],
  ["gateways", "Gateways", "#/gateways"],
  ["mesh", "Control plane", "#/mesh"],
] as const;

export function App() {
  const route = useRoute();
  const [windowMs, setWindowMs] = useState("60000");
  const problems = usePoll("api/problems", { windowMs }, 4000);
  const count = problems.data?.problems.length ?? 0;
  useEffect(() => {
    document.title = count > 0 ? `(${count}) Heddle` : "Heddle";
  }, [count]);
  const here = route.page === "workload" || route.page === "namespace" ? "overview" : route.page;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
        Skip to the content
      </button>
      <header>
        <a class="brand" href="#/">
          <img src="icon.svg" alt="" width="24" height="24" /> Heddle
        </a>
        <nav aria-label="Pages">
          {TABS.map(([page, title, href]) => (
            <a key={page} href={href} aria-current={page === here ? "page" : undefined}>
              {title}
              {page === "problems" && count > 0 ? <span class="badge">{count}</span> : null}
            </a>
          ))}
        </nav>
        <label class="window">
          <span>Window</span>
          <select value={windowMs} onChange={(e) => setWindowMs(e.currentTarget.value)}>
            {WINDOWS.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </header>
      <main id="content" tabIndex={-1}>
        <Page route={route} windowMs={windowMs} problems={problems} />
      </main>
    </>
  );
}

function Page({
  route,
  windowMs,
  problems,
}: {
  route: Route;
  windowMs: string;
  problems: ReturnType<typeof usePoll<"api/problems">>;
}) {
  const found = problems.data?.problems ?? [];
  switch (route.page) {
    case "overview":
      return <OverviewPage windowMs={windowMs} problems={found} />;
    case "namespace":
      return <NamespacePage key={route.namespace} windowMs={windowMs} namespace={route.namespace} problems={found} />;
    case "workload":
      return (
        <WorkloadPage
          key={`${route.namespace}/${route.kind}/${route.name}`}
          windowMs={windowMs}
          {...route}
          problems={found}
        />
      );
    case "graph":
      return <GraphPage windowMs={windowMs} />;
    case "problems":
      return <ProblemsPage polled={problems} />;
    case "live":
      return <LivePage key={route.target} target={route.target} />;
    case "traces":
      return <TracesPage service={route.service} trace={route.trace} />;
    case "gateways":
      return <GatewaysPage />;
    case "mesh":
      return <MeshPage />;
  }
}
