/** Rules of the cluster roles that every cluster has, as Kubernetes 1.34 defines them (controllers' own roles left out). */
export const DEFAULT_ROLE_RULES: Readonly<Record<string, readonly object[]>> = {
  "cluster-admin": [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] },
  ],
  "system:aggregate-to-admin": [
    { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
    {
      apiGroups: ["rbac.authorization.k8s.io"],
      resources: ["rolebindings", "roles"],
      verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    },
  ],
  "system:aggregate-to-edit": [
    {
      apiGroups: [""],
      resources: ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"],
      verbs: ["get", "list", "watch"],
    },
    { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] },
    {
      apiGroups: [""],
      resources: ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
    {
      apiGroups: [""],
      resources: [
        "configmaps",
        "events",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "secrets",
        "serviceaccounts",
        "services",
        "services/proxy",
      ],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
    {
      apiGroups: ["apps"],
      resources: [
        "daemonsets",
        "deployments",
        "deployments/rollback",
        "deployments/scale",
        "replicasets",
        "replicasets/scale",
        "statefulsets",
        "statefulsets/scale",
      ],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    {
      apiGroups: ["autoscaling"],
      resources: ["horizontalpodautoscalers"],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    {
      apiGroups: ["batch"],
      resources: ["cronjobs", "jobs"],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    {
      apiGroups: ["extensions"],
      resources: [
        "daemonsets",
        "deployments",
        "deployments/rollback",
        "deployments/scale",
        "ingresses",
        "networkpolicies",
        "replicasets",
        "replicasets/scale",
        "replicationcontrollers/scale",
      ],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    {
      apiGroups: ["policy"],
      resources: ["poddisruptionbudgets"],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    {
      apiGroups: ["networking.k8s.io"],
      resources: ["ingresses", "networkpolicies"],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
    {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    },
    {
      apiGroups: ["resource.k8s.io"],
      resources: ["resourceclaims", "resourceclaimtemplates"],
      verbs: ["create", "delete", "deletecollection", "patch", "update"],
    },
  ],
  "system:aggregate-to-view": [
    {
      apiGroups: [""],
      resources: [
        "configmaps",
        "endpoints",
        "persistentvolumeclaims",
        "persistentvolumeclaims/status",
        "pods",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "serviceaccounts",
        "services",
        "services/status",
      ],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: [""],
      resources: [
        "bindings",
        "events",
        "limitranges",
        "namespaces/status",
        "pods/log",
        "pods/status",
        "replicationcontrollers/status",
        "resourcequotas",
        "resourcequotas/status",
      ],
      verbs: ["get", "list", "watch"],
    },
    { apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list", "watch"] },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
    {
      apiGroups: ["apps"],
      resources: [
        "controllerrevisions",
        "daemonsets",
        "daemonsets/status",
        "deployments",
        "deployments/scale",
        "deployments/status",
        "replicasets",
        "replicasets/scale",
        "replicasets/status",
        "statefulsets",
        "statefulsets/scale",
        "statefulsets/status",
      ],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: ["autoscaling"],
      resources: ["horizontalpodautoscalers", "horizontalpodautoscalers/status"],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: ["batch"],
      resources: ["cronjobs", "cronjobs/status", "jobs", "jobs/status"],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: ["extensions"],
      resources: [
        "daemonsets",
        "daemonsets/status",
        "deployments",
        "deployments/scale",
        "deployments/status",
        "ingresses",
        "ingresses/status",
        "networkpolicies",
        "replicasets",
        "replicasets/scale",
        "replicasets/status",
        "replicationcontrollers/scale",
      ],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: ["policy"],
      resources: ["poddisruptionbudgets", "poddisruptionbudgets/status"],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: ["networking.k8s.io"],
      resources: ["ingresses", "ingresses/status", "networkpolicies"],
      verbs: ["get", "list", "watch"],
    },
    {
      apiGroups: ["resource.k8s.io"],
      resources: ["resourceclaims", "resourceclaims/status", "resourceclaimtemplates"],
      verbs: ["get", "list", "watch"],
    },
  ],
  "system:auth-delegator": [
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  ],
  "system:basic-user": [
    {
      apiGroups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
      verbs: ["create"],
    },
    { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
  ],
  "system:discovery": [
    {
      nonResourceURLs: [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
      ],
      verbs: ["get"],
    },
  ],
  "system:kubelet-api-admin": [
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
    { apiGroups: [""], resources: ["nodes"], verbs: ["proxy"] },
    { apiGroups: [""], resources: ["nodes/log", "nodes/metrics", "nodes/proxy", "nodes/stats"], verbs: ["*"] },
    { apiGroups: [""], resources: ["nodes/configz", "nodes/healthz", "nodes/pods"], verbs: ["*"] },
  ],
  "system:monitoring": [
    {
      nonResourceURLs: [
        "/healthz",
        "/healthz/*",
        "/livez",
        "/livez/*",
        "/metrics",
        "/metrics/slis",
        "/readyz",
        "/readyz/*",
      ],
      verbs: ["get"],
    },
    { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
  ],
  "system:public-info-viewer": [
    { nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"], verbs: ["get"] },
  ],
  "system:service-account-issuer-discovery": [
    {
      nonResourceURLs: [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
        "/openid/v1/jwks/",
      ],
      verbs: ["get"],
    },
  ],
};

/** Cluster roles that are the union of others, by the label that the others carry. */
export const AGGREGATED_ROLES: Readonly<
  Record<string, { readonly label: string; readonly labels: Readonly<Record<string, string>> }>
> = {
  admin: { label: "rbac.authorization.k8s.io/aggregate-to-admin", labels: {} },
  edit: {
    label: "rbac.authorization.k8s.io/aggregate-to-edit",
    labels: { "rbac.authorization.k8s.io/aggregate-to-admin": "true" },
  },
  view: {
    label: "rbac.authorization.k8s.io/aggregate-to-view",
    labels: { "rbac.authorization.k8s.io/aggregate-to-edit": "true" },
  },
};

/** Labels of the roles above that take part in aggregation. */
export const AGGREGATING_LABELS: Readonly<Record<string, string>> = {
  "system:aggregate-to-admin": "rbac.authorization.k8s.io/aggregate-to-admin",
  "system:aggregate-to-edit": "rbac.authorization.k8s.io/aggregate-to-edit",
  "system:aggregate-to-view": "rbac.authorization.k8s.io/aggregate-to-view",
};

/** Role → groups that have it. */
export const DEFAULT_BINDINGS: Readonly<Record<string, readonly string[]>> = {
  "cluster-admin": ["system:masters"],
  "system:basic-user": ["system:authenticated"],
  "system:discovery": ["system:authenticated"],
  "system:monitoring": ["system:monitoring"],
  "system:public-info-viewer": ["system:authenticated", "system:unauthenticated"],
  "system:service-account-issuer-discovery": ["system:serviceaccounts"],
};
